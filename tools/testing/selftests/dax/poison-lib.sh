# SPDX-License-Identifier: GPL-2.0
# For dax-poison.sh and inject-poison.sh: a page fails under a mapping. Needs dax.sh.
# shellcheck shell=dash

# page_breaks NAME FILE: a task that loads from the page gets SIGBUS; the neighbours are unchanged. More
# steps come from standard input; f is the file, s the mapping.
page_breaks() {
	{
		cat <<-END
			open f $2 new
			write f 0 4M 1
			map s f 0 4M shift 4K
			load s 0 64K 1
			broken s 8K advise s 8K 4K poison
			load s 0 8K 1
			load s 12K 52K 1
			check f 12K 52K 1
		END
		cat
	} | session "$1"
}
