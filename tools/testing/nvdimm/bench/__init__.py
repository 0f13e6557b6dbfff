# SPDX-License-Identifier: GPL-2.0
"""The bench: builds the kernels of the lanes, boots them in guests, runs tests there and judges.

It runs in the Debian root, which ../enter makes and enters. There the checkout is /rust-dax, the cache
/cache and the host's file system /host, so that no product of a build depends on a path of the host.
"""
