export function installServers(): Promise<Record<string, string>>;
