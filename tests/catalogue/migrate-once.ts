/** A process that migrates the catalogue named on its command line, for migrate.test.ts. */
import { migrate } from '../../core/catalogue/migrate.ts'
import { openCatalogue } from '../../core/catalogue/open.ts'
import { config } from './engines.ts'

const driver = await openCatalogue(config(process.argv[2]), { create: true })
process.send?.('ready')
process.once('message', async () => {
	process.send?.(await migrate(driver, process.argv[3]))
	await driver.close()
	process.disconnect()
})
