"""Reports as one page without remote parts: its style, and figures as inline SVG. Pure."""
