/* timed OPERATIONS COMMAND ...: runs the command with its output thrown away; its time, and OPERATIONS over that. */
#include "work.h"
#include <sys/wait.h>

int main(int argc, char **argv) {
	if (argc < 3) errx(2, "usage: %s OPERATIONS COMMAND ...", argv[0]);
	int status;

	double started = now_seconds();
	pid_t child = fork();
	if (child < 0) err(1, "fork");
	if (child == 0) {
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		execvp(argv[2], argv + 2);
		err(127, "%s", argv[2]);
	}
	if (waitpid(child, &status, 0) < 0) err(1, "waitpid");
	if (status != 0) errx(1, "%s ended with status %d", argv[2], status);
	report(started, atof(argv[1]));
	return 0;
}
