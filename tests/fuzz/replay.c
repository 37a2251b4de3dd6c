/*
 * Runs a fuzz target over files and folders of them: the corpus as an ordinary regression test.
 * A folder without files is an error, so that a lost corpus is noticed.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX (1 << 20)

static int run_file(const char *path)
{
	static uint8_t data[INPUT_MAX];
	FILE *f = fopen(path, "rb");

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	size_t size = fread(data, 1, sizeof(data), f);
	int failed = ferror(f);

	if (fclose(f) || failed) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 1;
	}
	printf("%s\n", path);
	(void)fflush(stdout); /* the name stands before a crash */
	return LLVMFuzzerTestOneInput(data, size);
}

static int run_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	int failed = 0, files = 0;

	if (!folder) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	while ((entry = readdir(folder)) != NULL) {
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		failed |= run_file(name);
		files++;
	}
	(void)closedir(folder);
	if (files == 0)
		fprintf(stderr, "%s: no files\n", path);
	return failed || files == 0;
}

int main(int argc, char **argv)
{
	int failed = argc < 2;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			failed |= run_folder(argv[i]);
		else
			failed |= run_file(argv[i]);
	}
	return failed;
}
