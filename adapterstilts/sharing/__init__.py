"""Models out of the house and into it: what a shared folder holds, and the places where such folders are."""
