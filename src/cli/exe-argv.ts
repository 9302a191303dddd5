/*
 * In an executable bun names itself and a script that is on no disk. What starts this program again (the agent, git) goes
 * by Node's way of saying that there is no script: the program's file twice.
 */
process.argv.splice(0, 2, process.execPath, process.execPath);

export {};
