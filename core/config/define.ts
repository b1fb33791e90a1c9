/** What a configuration file imports, as `cairn/config`. */
import type { PartialConfig } from './types.ts'

export type { ApiConfig, ClassConfig, MountConfig, NodeConfig, PartialConfig } from './types.ts'

/** Gives a configuration its types; the values are checked when it is loaded. */
export function defineConfig(config: PartialConfig): PartialConfig {
	return config
}
