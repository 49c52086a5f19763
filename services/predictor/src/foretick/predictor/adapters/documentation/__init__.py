"""``foretick models docs``: a training's record in, its document as a page and as Markdown out."""
