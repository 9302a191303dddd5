export function tablesAtNeed(source: string): string;
