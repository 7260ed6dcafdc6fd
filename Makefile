# `make run`, `make check` and `make test` work on a fresh machine: they install what is missing.

BUILD ?= build
JOBS ?= $(shell nproc)
FEATURES ?= all
FUZZ_SECONDS ?= 60
SEEDS ?= 100000
CORE_SOURCES = $(shell git ls-files 'csrc/*.[ch]' 'include/*.h' 'Sources/Examples/C/*.c' 'Tests/*.[ch]' 'bench/*.[ch]')
SWIFT_SOURCES = Package.swift Sources Tests bench

.PHONY: run check test test-c test-swift test-sanitized test-fuzz test-simulation test-epoll test-features test-aarch64 test-cpython \
	test-kernel test-consumers test-http-client test-peers test-memcheck build bench docs format lint lint-includes \
	setup clean

run: setup
	swift build -c release --product green-echo
	@echo "Try it from another terminal: nc 127.0.0.1 6000"
	@exec "$$(swift build -c release --show-bin-path)/green-echo"

# The fast half of both suites, for every edit: under two minutes on two cores after a first
# build. It leaves out the C tests with the labels slow, headers and without (a feature of the
# kernel), and Swift in release.
check: setup
	cmake -S . -B $(BUILD) -DGREEN_WERROR=ON
	cmake --build $(BUILD) --parallel $(JOBS)
	ctest --test-dir $(BUILD) --parallel $(JOBS) -LE '^(slow|headers|without)$$' --no-tests=error --output-on-failure
	swift build --build-tests
	swift test --skip-build --disable-xctest

test: test-c test-swift

test-c: setup
	cmake -S . -B $(BUILD) -DGREEN_WERROR=ON
	cmake --build $(BUILD) --parallel $(JOBS)
	ctest --test-dir $(BUILD) --parallel $(JOBS) --no-tests=error --output-on-failure

# Debug builds have additional checks; release builds are what users ship.
test-swift: setup
	swift build --build-tests
	swift test --skip-build --disable-xctest
	swift build -c release --build-tests
	swift test -c release --skip-build --disable-xctest

# What ThreadSanitizer does not allow: to patch its own pthread_create(), and to hide /proc.
NOT_UNDER_TSAN = of the whole program|pthread_create in the program|without /proc

# Both suites under AddressSanitizer and under ThreadSanitizer, the C suite also under
# UndefinedBehaviorSanitizer. Under AddressSanitizer Swift in release, where the optimiser
# determines the lifetime of objects.
test-sanitized: setup
	cmake -S . -B $(BUILD)/address -DGREEN_WERROR=ON -DGREEN_SANITIZE=address,undefined
	cmake --build $(BUILD)/address --parallel $(JOBS)
	ctest --test-dir $(BUILD)/address --parallel $(JOBS) --no-tests=error --output-on-failure
	GREEN_ENGINE=epoll ctest --test-dir $(BUILD)/address --parallel $(JOBS) -LE without --no-tests=error \
		--output-on-failure
	cmake -S . -B $(BUILD)/thread -DGREEN_WERROR=ON -DGREEN_SANITIZE=thread
	cmake --build $(BUILD)/thread --parallel $(JOBS)
	ctest --test-dir $(BUILD)/thread --parallel $(JOBS) -LE without --no-tests=error --output-on-failure
	swift build -c release --build-tests --sanitize=address --scratch-path .build-address
	swift test -c release --skip-build --disable-xctest --sanitize=address --scratch-path .build-address
	swift build --build-tests --sanitize=thread --scratch-path .build-thread
	TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/tsan-suppressions swift test --skip-build --disable-xctest \
		--sanitize=thread --scratch-path .build-thread --skip '$(NOT_UNDER_TSAN)'

# Fuzzes TLS connections for FUZZ_SECONDS: see Tests/Fuzz.
test-fuzz: setup
	cmake -S . -B $(BUILD)/fuzz -DGREEN_FUZZ=ON -DGREEN_TESTS=OFF -DGREEN_WERROR=ON \
		-DCMAKE_C_COMPILER="$$(Tests/Fuzz/compiler)"
	cmake --build $(BUILD)/fuzz --parallel $(JOBS) --target fuzz-tls
	ctest --test-dir $(BUILD)/fuzz --no-tests=error --output-on-failure
	Tests/Fuzz/run $(BUILD)/fuzz $(FUZZ_SECONDS)

# The simulations with SEEDS random programs; the suite has 10 000 for each engine, and 4 000
# of several hubs.
test-simulation: setup
	cmake -S . -B $(BUILD) -DGREEN_WERROR=ON
	cmake --build $(BUILD) --parallel $(JOBS) --target test-simulation-seeds test-simulation-hubs
	GREEN_SEEDS=$(SEEDS) $(BUILD)/Tests/CoreTests/test-simulation-seeds
	GREEN_SEEDS=$(SEEDS) $(BUILD)/Tests/CoreTests/test-simulation-hubs

# Both suites without io_uring, as in most containers. Swift in release, as users run it.
test-epoll: setup
	cmake -S . -B $(BUILD) -DGREEN_WERROR=ON
	cmake --build $(BUILD) --parallel $(JOBS)
	cd $(BUILD) && Tests/CoreTests/without-uring ctest --parallel $(JOBS) -LE without --no-tests=error \
		--output-on-failure
	swift build -c release --build-tests
	$(BUILD)/Tests/CoreTests/without-uring swift test -c release --skip-build --disable-xctest

# The C suite once for each of FEATURES, without that feature of the kernel: see GREEN_DISABLE
# in include/green/hub.h. Without the planted faults of the simulation, some of which need a
# feature to have an effect.
test-features: setup
	cmake -S . -B $(BUILD) -DGREEN_WERROR=ON
	cmake --build $(BUILD) --parallel $(JOBS)
	for feature in $(FEATURES); do \
		echo "Without $$feature:"; \
		GREEN_DISABLE=$$feature ctest --test-dir $(BUILD) --parallel $(JOBS) -LE 'without|mutants' --no-tests=error \
			--output-on-failure || exit 1; \
	done

# The C suite on aarch64, in an emulator without io_uring.
test-aarch64:
	.ci/setup-aarch64
	cmake -S . -B build/aarch64/build -DGREEN_WERROR=ON -DCMAKE_TOOLCHAIN_FILE=$(CURDIR)/.ci/aarch64.cmake
	cmake --build build/aarch64/build --parallel $(JOBS)
	ctest --test-dir build/aarch64/build --parallel $(JOBS) -LE without --no-tests=error --output-on-failure

# The C suite on another Linux kernel, in an emulator: the distribution's own kernel,
# KERNEL=path/to/vmlinuz or KERNEL_PACKAGE=name. ALL=1 adds the slowest tests, TESTS=regex
# selects tests. Without KERNEL, KERNEL_PACKAGE and TESTS, the runner itself is tested first.
# See Tests/Kernel.
test-kernel: setup
	.ci/install busybox-static cpio python3 qemu-system-x86
	cmake -S . -B $(BUILD) -DGREEN_WERROR=ON
	cmake --build $(BUILD) --parallel $(JOBS)
	$(if $(KERNEL)$(KERNEL_PACKAGE)$(TESTS),,Tests/Kernel/check $(BUILD))
	Tests/Kernel/run --build $(BUILD) $(if $(KERNEL),--kernel "$(KERNEL)") \
		$(if $(KERNEL_PACKAGE),--package "$(KERNEL_PACKAGE)") $(if $(ALL),--all) $(if $(TESTS),--tests "$(TESTS)")

# A part of the C suite, from each room, under Valgrind.
test-memcheck: setup
	.ci/install valgrind
	cmake -S . -B $(BUILD) -DGREEN_WERROR=ON
	cmake --build $(BUILD) --parallel $(JOBS)
	Tests/CoreTests/memcheck $(BUILD)

# A CMake project and a Swift package that use Green as external projects do.
test-consumers: setup
	Tests/Consumers/run

# An unmodified AsyncHTTPClient in green threads. It builds SwiftNIO, which takes minutes.
test-http-client: setup
	Tests/Consumers/run-http-client

# Patched client libraries of Debian against their servers: see Tests/Peers.
test-peers: setup
	Tests/Peers/setup
	cmake -S . -B $(BUILD)/peers -DGREEN_PEERS=ON -DGREEN_WERROR=ON
	cmake --build $(BUILD)/peers --parallel $(JOBS) --target peers
	Tests/Peers/run $(BUILD)/peers

# CPython's own test suite under green-run: see Tests/CPython. QUICK=1 runs a part of it, and
# MODULES="test_ssl test_socket" these modules.
test-cpython: setup
	.ci/install python3 libpython3.11-testsuite
	cmake -S . -B $(BUILD) -DGREEN_WERROR=ON
	cmake --build $(BUILD) --parallel $(JOBS) --target green-run greenrun
	$(if $(QUICK),,MORE_TESTS="$$(Tests/CPython/fetch-sqlite3 $(abspath $(BUILD))/cpython)") \
		Tests/CPython/run --green-run $(BUILD)/green-run $(if $(QUICK),--quick) $(MODULES)

build: setup
	cmake -S . -B $(BUILD)
	cmake --build $(BUILD) --parallel $(JOBS)
	swift build -c release

bench: setup
	bench/run

format: setup
	@clang-format -i $(CORE_SOURCES)
	swift format --in-place --recursive --parallel $(SWIFT_SOURCES)

# The documentation, in build/docs. A broken link is an error.
docs: setup
	.ci/docs

lint: lint-includes docs
	@clang-format --dry-run --Werror $(CORE_SOURCES)
	swift format lint --strict --recursive --parallel $(SWIFT_SOURCES)

# Checks which room of csrc includes which, tests that linter, and checks that
# ARCHITECTURE.md agrees with the tree.
lint-includes:
	.ci/check-includes
	.ci/test-check-includes
	.ci/check-architecture

setup:
	@.ci/setup

clean:
	rm -rf $(BUILD) .build .build-* bench/.build bench/build
