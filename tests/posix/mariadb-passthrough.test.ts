import { mounted } from './mounted.ts'
import { runCases } from './run-cases.ts'

runCases('POSIX: mariadb, passthrough', () => mounted({ catalogue: 'mariadb', io: 'passthrough' }))
