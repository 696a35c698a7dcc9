// Command gate judges AWS access: what a request is allowed to do, and why. `gate help` tells more.
package main

import "os"

func main() {
	command := Command{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(command.Main(os.Args[1:]))
}
