/* open ROOT DIRECTORIES FILES PREFIX: opens, reads and closes each file. */
#include "work.h"

int main(int argc, char **argv) {
	struct tree tree = tree_arguments(argc, argv);
	char name[NAME_BYTES_MAX];
	static char content[65536];

	double started = now_seconds();
	for (int i = 0; i < tree_size(&tree); i++) {
		int fd = open(file_name(name, &tree, tree.prefix, i), O_RDONLY);
		if (fd < 0) err(1, "open %s", name);
		if (read(fd, content, sizeof content) < 1) err(1, "read %s", name);
		close(fd);
	}
	report(started, tree_size(&tree));
	return 0;
}
