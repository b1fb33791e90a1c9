/* unlink ROOT DIRECTORIES FILES PREFIX: removes each file, not the directories. */
#include "work.h"

int main(int argc, char **argv) {
	struct tree tree = tree_arguments(argc, argv);
	char name[NAME_BYTES_MAX];

	double started = now_seconds();
	for (int i = 0; i < tree_size(&tree); i++)
		if (unlink(file_name(name, &tree, tree.prefix, i))) err(1, "unlink %s", name);
	report(started, tree_size(&tree));
	return 0;
}
