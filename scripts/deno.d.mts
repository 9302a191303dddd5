export function installDeno(): Promise<string>;
