// Package packages builds the .deb and the .rpm as `make package` does,
// installs the first on a clean Debian that systemd runs, in a lab's network,
// and runs the daemon there under its own unit, sandbox and all.
package packages
