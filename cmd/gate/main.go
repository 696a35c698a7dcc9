// Command gate judges AWS access: what a request is allowed to do, and why. `gate help` tells more.
package main

import (
	"os"
	"runtime/debug"
)

const (
	// memoryLimit is what the process should stay below, in bytes, where it can: collecting garbage earlier costs less than a machine
	// that swaps or a container that is killed.
	memoryLimit = 900 << 20
	// garbagePercent is how much garbage may gather, in percent of what is in use, while the limit is far. Judging makes much of it, so
	// that with Go's own 100 a third of the time goes into collecting it.
	garbagePercent = 400
)

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	command := Command{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(command.Main(os.Args[1:]))
}
