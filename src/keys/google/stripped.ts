/** An error without the request, which holds tokens and data keys and would be printed with it. */
export function stripped(error: unknown): Error {
  const { name, code, status } = (error ?? {}) as { name?: unknown; code?: unknown; status?: unknown };
  return Object.assign(new Error(`${name ?? "Error"} ${status ?? code ?? ""}`.trim()), {
    code: code ?? status,
  });
}
