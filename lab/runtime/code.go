package runtime

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
)

const (
	taskRoot  = "task" // in the directory of a deployment; beside it is what the processes write
	bootstrap = "bootstrap"
)

// maxUnpacked is Lambda's quota of a deployment package, unzipped, in bytes.
const maxUnpacked = 262_144_000

// unpack writes a deployment package into a new directory below dir, and returns that. A package that Lambda could not unpack is an
// *Error.
func unpack(dir string, code []byte) (_ string, err error) {
	archive, err := zip.NewReader(bytes.NewReader(code), int64(len(code)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // that is looked for below
		return "", badPackage("%v", err)
	}
	var size uint64
	for _, file := range archive.File {
		if size += file.UncompressedSize64; file.UncompressedSize64 > maxUnpacked || size > maxUnpacked {
			return "", badPackage("unzipped size must be smaller than %d bytes", maxUnpacked)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("making the directory for functions: %w", err)
	}
	made, err := os.MkdirTemp(dir, "function-")
	if err != nil {
		return "", fmt.Errorf("making a directory for the function: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(made) // what went wrong is more interesting
		}
	}()
	task := filepath.Join(made, taskRoot)
	if err := os.Mkdir(task, 0o755); err != nil {
		return "", fmt.Errorf("making the function's task root: %w", err)
	}
	root, err := os.OpenRoot(task)
	if err != nil {
		return "", fmt.Errorf("opening the function's task root: %w", err)
	}
	defer func() { _ = root.Close() }()
	for _, file := range archive.File {
		if err := unpackFile(root, file); err != nil {
			return "", err
		}
	}
	return made, nil
}

// unpackFile writes one file of a package. Nothing leaves the root: neither a path nor a link can.
func unpackFile(root *os.Root, file *zip.File) error {
	if !filepath.IsLocal(filepath.FromSlash(file.Name)) {
		return badPackage("the path %q leads out of the package", file.Name)
	}
	mode := file.Mode()
	if !mode.IsDir() && !mode.IsRegular() {
		return badPackage("%q is neither a file nor a directory", file.Name)
	}
	parent := path.Dir(file.Name)
	if mode.IsDir() {
		parent = file.Name
	}
	if err := root.MkdirAll(filepath.FromSlash(parent), 0o755); err != nil {
		return fmt.Errorf("unpacking %q: %w", file.Name, err)
	}
	if mode.IsDir() {
		return nil
	}
	content, err := read(file)
	if err != nil {
		return badPackage("%q: %v", file.Name, err)
	}
	// A process that is being started has, until it has become another program, all open files of this one; and a file open for
	// writing cannot be executed. So nothing is started while this one is written.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := root.WriteFile(filepath.FromSlash(file.Name), content, permissions(mode)); err != nil {
		return fmt.Errorf("unpacking %q: %w", file.Name, err)
	}
	return nil
}

// read returns what a file of a package contains. There is no more of it than the package says, else it is an error.
func read(file *zip.File) ([]byte, error) {
	content, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(content)
}

// permissions are what a file has once unpacked. Lambda runs functions as a user who owns nothing of the package, so what counts is
// whether others may execute it.
func permissions(mode fs.FileMode) fs.FileMode {
	if mode&0o001 != 0 {
		return 0o755
	}
	return 0o644
}

func badPackage(format string, args ...any) error {
	return &Error{
		Code: "InvalidZipFileException", Status: 502,
		Message: "Lambda could not unzip the deployment package: " + fmt.Sprintf(format, args...),
	}
}
