/* rename ROOT DIRECTORIES FILES PREFIX TO_PREFIX: gives each file another name in its directory. */
#include "work.h"

int main(int argc, char **argv) {
	struct tree tree = tree_arguments(argc, argv);
	char from[NAME_BYTES_MAX], to[NAME_BYTES_MAX];
	if (argc < 6) errx(2, "which prefix shall they have?");

	double started = now_seconds();
	for (int i = 0; i < tree_size(&tree); i++) {
		file_name(from, &tree, tree.prefix, i);
		file_name(to, &tree, argv[5], i);
		if (rename(from, to)) err(1, "rename %s", from);
	}
	report(started, tree_size(&tree));
	return 0;
}
