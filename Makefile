# SPDX-License-Identifier: GPL-2.0
#
# What a person can do with this tree. The objects are described in Kbuild.

NVDIMM	:= tools/testing/nvdimm
LANE	?= integrated
T	?=

# What make starts ends when make does, however that happens.
RUN	:= setpriv --pdeathsig KILL
BENCH	:= $(RUN) $(NVDIMM)/enter python3 -m bench

ifdef KDIR
.DEFAULT_GOAL := modules
else
.DEFAULT_GOAL := help
endif

.PHONY: help
help:
	@echo 'On Debian 12 or 13, as root; everything that is made is in a cache, not in this tree:'
	@echo '  make demo               ext4 and xfs on two pmem devices in a guest: mount -o dax, real I/O,'
	@echo '                          power cycle, every byte verified; says what is Rust'
	@echo '  make demo LANE=stock    the same with the modules on Debian'\''s own unmodified kernel'
	@echo '  make check              the tests of the default tier; the last line is "N passed, N failed"'
	@echo '  make check TIER=full    every test in every lane'
	@echo '  make check T=PATTERN    those whose name matches, e.g. T=lint, T=stock/, T=/dm'
	@echo '  make check LIST=1       only print the names of what would run; also with T=, TIER=, LANE='
	@echo '  make check LANE=debug   the guest tests in that lane; also kcsan, cfi, ctwin, ...'
	@echo '  make check V=1          also keep the output of tests that pass'
	@echo '  make check T=/fsx FSX_OPS=N FSX_SEED=N'
	@echo '                          random operations on files, N of each kind: 30000 take an hour'
	@echo '  make check KERNEL=/path/bzImage MODULES=/path'
	@echo '                          the guest tests on a kernel that you built'
	@echo '  make check XFSTESTS=/path [XFSTESTS_ARGS=...]'
	@echo '                          xfstests, which you built, on ext4 and xfs with -o dax=always; XFSTESTS_SIZE=8G:'
	@echo '                          the size of each of its two devices'
	@echo '  make report             the table of suites and lanes of the last check'
	@echo '  make mutants            break the tree in one place after the other: the tests have to notice;'
	@echo '                          T=PATTERN: by name; ALL=1: all tests of the default tier'
	@echo '  make persist            whether what is synced is durable, by watching every cache line of a guest;'
	@echo '                          with pictures'
	@echo '  make count              instructions per operation, integrated against ctwin; UPDATE=1: expect'
	@echo '                          these ratios from now on'
	@echo '  make shell [LANE=...]   a shell in such a guest, with the modules loaded; DISK=FILE, PMEM=FILE: with that'
	@echo '                          disk image or memory of an NVDIMM of yours; FILE,rw: which the guest may change'
	@echo '  make lint               only clippy, rustfmt, checkpatch, shellcheck, unsafe, circles, kernels,'
	@echo '                          doctests, forge, rustdoc, rust_analyzer'
	@echo '  make rustdoc            the documentation of the crates, as HTML in the cache; says where'
	@echo '  make rust-analyzer      rust-project.json for editors, from the kernel of the lane integrated'
	@echo '  make environment        only make what the above need'
	@echo '  make clean              remove guests'\'' memory files and build products from the cache'
	@echo '  make distclean          remove the whole cache'
	@echo 'Lanes: integrated, stock; core, pmem: only that in Rust; ctwin: all C; debug: KASAN, lockdep...;'
	@echo '       kcsan: data races; cfi: kCFI, IBT, mitigations; lossy: what the persistence checker has to notice'
	@echo
	@echo 'For kernel developers, with their own toolchain and without root:'
	@echo '  make KDIR=DIR           build the modules for a prepared tree of Linux 7.2.y, from 7.2.6 on, or'
	@echo '                          7.3.y (FORCE=1: any other, without a promise); DIR may be its'
	@echo '                          output directory; add LLVM=1 if it was built so, MO=DIR for objects'
	@echo '  make KDIR=DIR clean     remove them'
	@echo '  make KDIR=DIR rust-analyzer'
	@echo '                          rust-project.json for editors, after the modules were built'
	@echo '  make integrate KDIR=DIR, make unintegrate KDIR=DIR'
	@echo '                          link this tree into such a source tree, and take it out again;'
	@echo '                          FIXES=1: also patch defects of the kernel around it (tools/integrate/fixes)'

.PHONY: demo check report mutants persist count shell lint rustdoc environment
demo:
	@$(BENCH) demo $(LANE)

check:
	@$(BENCH) check '$(value T)' $(if $(filter file undefined,$(origin LANE)),,$(LANE))

report:
	@$(BENCH) report $(RUNS)

mutants:
	@$(BENCH) mutants '$(value T)'

persist:
	@$(BENCH) persist $(LANE)

count:
	@$(BENCH) count $(LANE)

lint:
	@$(BENCH) check '^lint/'

rustdoc:
	@$(BENCH) rustdoc

shell:
	@$(BENCH) guest --lane $(LANE) --modprobe --shell $(DISK:%=--disk %) $(PMEM:%=--nvdimm %)

environment:
	@$(BENCH) sources

ifdef KDIR
# Variables of the command line (LLVM=1, MO=...) reach the kernel's make by themselves.
.PHONY: modules modules_install clean
modules modules_install clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) $@

# The kernel's target writes to the directory of the objects, and does not know kernel_ext.
.PHONY: rust-analyzer
rust-analyzer:
	$(MAKE) -C $(KDIR) M=$(CURDIR) $@
	tools/rust-project $(or $(MO),$(CURDIR))/rust-project.json $(or $(MO),$(CURDIR)) $(KDIR)/rust-dax

.PHONY: integrate unintegrate
integrate:
	@tools/integrate/$@ $(if $(filter-out 0,$(FIXES)),--fixes) $(KDIR)

unintegrate:
	@tools/integrate/$@ $(KDIR)
else
.PHONY: rust-analyzer
rust-analyzer:
	@$(BENCH) rust_analyzer

.PHONY: clean distclean
clean distclean:
	@$(NVDIMM)/environment $@

.PHONY: modules integrate unintegrate
modules integrate unintegrate:
	@echo 'make $@: say for which kernel tree with KDIR=DIR; make help says more' >&2; exit 2
endif
