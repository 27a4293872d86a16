# The tasks of this repository. README says the two that a newcomer needs: make demo, make check.
SHELL := /bin/bash
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo -E)

.PHONY: demo install deb tarball release check build test lint tidy asan fuzz aarch64 bench clean

## builds the release binary and runs a real program in a sandbox
demo: release
	tools/demo build/release/bin/nucleus

## PREFIX (/usr/local) and DESTDIR as everywhere
PREFIX ?= /usr/local
install: release
	DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)" --strip

## a Debian package, or a tarball for any Linux, in build/packages
deb tarball: release
	tools/package $@ build/release build/packages

release:
	tools/setup build
	cmake --preset release
	cmake --build --preset release

## installs what the tests need, builds, runs every level of tests
check:
	tools/setup build test vm lint cross fuzz
	$(MAKE) lint aarch64 asan fuzz
	$(MAKE) tidy
	$(SUDO) tools/criu_prefix /var/cache/nucleus/criu
	$(MAKE) test

build:
	cmake --preset dev
	cmake --build --preset dev

## every test on this host and in the virtual machine; the last lines are the test runner's
test: build
	$(SUDO) ctest --test-dir build/dev --output-on-failure --output-junit junit.xml -j 2

lint:
	tools/lint

## the unit tests under AddressSanitizer and UBSan; the same build has the fuzz targets
asan:
	cmake --preset asan
	cmake --build --preset asan
	ctest --test-dir build/asan -L unit --output-on-failure -j 2

## clang-tidy over src/, with the commands of the dev build
tidy: build
	tools/tidy

## every fuzz target for some seconds, from the build of asan
fuzz:
	tools/fuzz 5

## compiles for aarch64: system call numbers, seccomp architecture
aarch64:
	cmake --preset aarch64
	cmake --build --preset aarch64

bench: build
	tools/setup bench
	$(SUDO) build/dev/bench/startup
	$(SUDO) build/dev/bench/living

clean:
	rm -rf build
