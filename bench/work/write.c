/* write FILE MIB: writes a new file in blocks of 1 MiB and closes it. What is measured ends with the close, not on the disk. */
#include "work.h"

int main(int argc, char **argv) {
	if (argc < 3) errx(2, "usage: %s FILE MIB", argv[0]);
	int mib = atoi(argv[2]);
	char *block = malloc(MIB);
	memset(block, 'w', MIB);

	double started = now_seconds();
	int fd = open(argv[1], O_CREAT | O_TRUNC | O_WRONLY, 0644);
	if (fd < 0) err(1, "open %s", argv[1]);
	for (int i = 0; i < mib; i++)
		if (write(fd, block, MIB) != MIB) err(1, "write %s", argv[1]);
	if (close(fd)) err(1, "close %s", argv[1]);
	report(started, mib);
	return 0;
}
