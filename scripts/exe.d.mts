export function exePath(target?: string): string;
export function installBun(target?: string): string;
export function metafileOf(target?: string): string;
