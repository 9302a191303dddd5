export const NOTICE: string;
export function tablesAtNeed(source: string): string;
