import type { Setting } from './replicate.ts'

export async function overSftp(_setting: Setting): Promise<void> {}
