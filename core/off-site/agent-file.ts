/** The agent as volunteers download it. Whoever starts the HTTP door hands it the function: doors do not know each other. */
export interface AgentFile {
	text: string
	/** Of the text in UTF-8, hex. */
	sha256: string
}

export type BuildAgent = () => Promise<AgentFile>
