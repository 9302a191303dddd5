export function installCallers(): Promise<Record<string, string>>;
