/* stat ROOT DIRECTORIES FILES PREFIX PASSES: with 0 passes the first, cold one is measured; else as many after it. */
#include "work.h"

static void pass(const struct tree *tree) {
	char name[NAME_BYTES_MAX];
	struct stat found;
	for (int i = 0; i < tree_size(tree); i++)
		if (stat(file_name(name, tree, tree->prefix, i), &found)) err(1, "stat %s", name);
}

int main(int argc, char **argv) {
	struct tree tree = tree_arguments(argc, argv);
	int passes = argc > 5 ? atoi(argv[5]) : 0;

	if (passes > 0) pass(&tree);
	else passes = 1;

	double started = now_seconds();
	for (int i = 0; i < passes; i++) pass(&tree);
	report(started, (double)passes * tree_size(&tree));
	return 0;
}
