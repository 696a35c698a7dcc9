package policy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Exception lets a finding pass that somebody has looked at and answers for, until a day. The rules check it: one that leaves out
// something lets nothing pass and is a finding itself.
type Exception struct {
	// Rule is the finding's rule, Resource its URN, and Fingerprint its fingerprint.
	Rule        string `json:"rule"`
	Resource    string `json:"resource"`
	Fingerprint string `json:"fingerprint"`
	// Owner answers for the exception, for the Reason, through the day on which it Expires in UTC, as 2026-12-31.
	Owner   string `json:"owner"`
	Reason  string `json:"reason"`
	Expires string `json:"expires"`
}

// Excepted is a finding that an exception lets pass.
type Excepted struct {
	Finding Finding `json:"finding"`
	// Owner answers for the exception, for the Reason, until Expires, a date as 2026-12-31.
	Owner   string `json:"owner"`
	Reason  string `json:"reason"`
	Expires string `json:"expires"`
}

// ProjectExceptions reads exceptions.yaml in the working directory: there are none where there is no such file.
func ProjectExceptions() ([]Exception, error) {
	exceptions, err := ReadExceptionsFile("exceptions.yaml")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return exceptions, err
}

// ReadExceptionsFile reads the exceptions of a file, as ReadExceptions does.
func ReadExceptionsFile(path string) ([]Exception, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the exceptions: %w", err)
	}
	defer func() { _ = file.Close() }() // It was only read.
	return ReadExceptions(path, file)
}

// ReadExceptions reads exceptions from YAML: one document, with a list of mappings as its only key "exceptions". The path is what errors
// call it; they name the line. Whether the exceptions say all that they have to is for the rules to tell.
func ReadExceptions(path string, r io.Reader) ([]Exception, error) {
	decoder := yaml.NewDecoder(r)
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode || len(root.Content) != 2 || root.Content[0].Value != "exceptions" {
		return nil, fmt.Errorf("%s: line %d: there has to be the key exceptions, and no other", path, root.Line)
	}
	list := root.Content[1]
	if list.Kind != yaml.SequenceNode && list.ShortTag() != yamlNull {
		return nil, fmt.Errorf("%s: line %d: the exceptions are not a list", path, list.Line)
	}
	var exceptions []Exception
	for _, node := range list.Content {
		exception, err := readException(node)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		exceptions = append(exceptions, exception)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: there is more behind the first document", path)
	}
	return exceptions, nil
}

// The type of what is written as null, or not at all.
const yamlNull = "!!null"

func readException(node *yaml.Node) (Exception, error) {
	var exception Exception
	fields := map[string]*string{
		"rule": &exception.Rule, "resource": &exception.Resource, "fingerprint": &exception.Fingerprint,
		"owner": &exception.Owner, "reason": &exception.Reason, "expires": &exception.Expires,
	}
	if node.Kind != yaml.MappingNode {
		return exception, fmt.Errorf("line %d: an exception has the keys %s", node.Line, exceptionKeys)
	}
	for pair := range slices.Chunk(node.Content, 2) {
		key, value := pair[0], pair[1]
		field, left := fields[key.Value]
		switch {
		case !left:
			return exception, fmt.Errorf("line %d: %q is there twice, or is none of %s", key.Line, key.Value, exceptionKeys)
		// Other tools that read the file would not take a number for a text.
		case value.Kind != yaml.ScalarNode || !slices.Contains([]string{"!!str", "!!timestamp", yamlNull}, value.ShortTag()):
			return exception, fmt.Errorf("line %d: %s is not a text; it may need quotes", value.Line, key.Value)
		case value.ShortTag() != yamlNull:
			*field = value.Value
		}
		delete(fields, key.Value)
	}
	return exception, nil
}

const exceptionKeys = "rule, resource, fingerprint, owner, reason and expires"
