/** The agent's beginning. */
console.error('cairn-backup: nothing here yet')
process.exitCode = 1
