// Command gate judges AWS access: what a request is allowed to do, and why. `gate help` tells more.
package main

import (
	"os"
	"runtime/debug"
)

// memoryLimit is what the process should stay below, in bytes, where it can: collecting garbage earlier costs less than a machine that
// swaps or a container that is killed.
const memoryLimit = 900 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	command := Command{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(command.Main(os.Args[1:]))
}
