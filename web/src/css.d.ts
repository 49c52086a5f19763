import "react";

declare module "react" {
  interface CSSProperties {
    /** Length of a level's bar. */
    "--share"?: string;
  }
}
