/* create ROOT DIRECTORIES FILES PREFIX BYTES: creates, writes and closes each file. The directories are made beforehand, unmeasured. */
#include "work.h"

int main(int argc, char **argv) {
	struct tree tree = tree_arguments(argc, argv);
	size_t bytes = argc > 5 ? strtoul(argv[5], NULL, 10) : 0;
	char name[NAME_BYTES_MAX];
	char *content = malloc(bytes + 1);
	memset(content, 'c', bytes + 1);

	mkdir(tree.root, 0755);
	for (int i = 0; i < tree.directories; i++) mkdir(directory_name(name, &tree, i), 0755);

	double started = now_seconds();
	for (int i = 0; i < tree_size(&tree); i++) {
		int fd = open(file_name(name, &tree, tree.prefix, i), O_CREAT | O_EXCL | O_WRONLY, 0644);
		if (fd < 0) err(1, "open %s", name);
		if (write(fd, content, bytes) != (ssize_t)bytes) err(1, "write %s", name);
		if (close(fd)) err(1, "close %s", name);
	}
	report(started, tree_size(&tree));
	return 0;
}
