export function installPrograms(): Promise<Record<string, string>>;
