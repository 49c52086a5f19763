/** Where instruments are cards and the details lie below the fold: a tap goes there. As in styles/board.css. */
export const NARROW = "(max-width: 860px)";
