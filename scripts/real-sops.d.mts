export const REAL_SOPS_VERSION: string;
export function realSopsPath(): string;
export function installRealSops(): string;
