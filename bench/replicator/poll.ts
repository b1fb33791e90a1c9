import type { Setting } from './replicate.ts'

export async function poll(_setting: Setting): Promise<void> {}
