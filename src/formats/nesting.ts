/** Deeper nesting is refused: nobody writes it, and code that walks trees must not run out of stack. */
export const MAX_DEPTH = 1000;
