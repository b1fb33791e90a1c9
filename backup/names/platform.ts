/** What differs between systems, as an argument: all of it is tested on one of them. */
export type Platform = 'linux' | 'darwin' | 'hfs' | 'win32'

/** Other systems than these have names and directories as Linux has; `hfs` is macOS on its older filesystem, which decomposes names. */
export function platformOf(name: string): Platform {
	return name === 'win32' || name === 'darwin' ? name : 'linux'
}

/** Where the folder may hold names that differ in case or normalisation only, they are one name to the filesystem. */
export function mergesNames(platform: Platform): boolean {
	return platform !== 'linux'
}
