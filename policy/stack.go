package policy

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"sync"
)

// Stack is what ReadStack has read, as far as the rules look at it.
type Stack struct {
	File
	// Name is the stack's name.
	Name string
	// Kind is "preview" or "state".
	Kind string
	// Resources is how many resources the file has.
	Resources int
}

// resourceState is what the rules look at of a resource.
type resourceState struct {
	URN      string          `json:"urn"`
	Type     string          `json:"type"`
	Provider string          `json:"provider,omitempty"`
	Delete   bool            `json:"delete,omitempty"`
	Inputs   json.RawMessage `json:"inputs,omitempty"`
	Outputs  stateOutputs    `json:"outputs,omitzero"`
	// Trigger is what replaces the resource when it changes.
	Trigger json.RawMessage `json:"replacementTrigger,omitempty"`
	// Dependencies tell what an input that is not known yet comes from.
	Dependencies stateDependencies `json:"propertyDependencies,omitzero"`
}

// stateDependencies are the URNs that inputs come from.
type stateDependencies struct {
	Bucket      []string `json:"bucket,omitempty"`
	Role        []string `json:"role,omitempty"`
	Roles       []string `json:"roles,omitempty"`
	PolicyARN   []string `json:"policyArn,omitempty"`
	PolicyARNs  []string `json:"managedPolicyArns,omitempty"`
	Boundary    []string `json:"permissionsBoundary,omitempty"`
	KeyID       []string `json:"keyId,omitempty"`
	TargetKeyID []string `json:"targetKeyId,omitempty"`
	Rules       []string `json:"rules,omitempty"`
}

// stateOutputs are the outputs that say something which the inputs do not.
type stateOutputs struct {
	ARN      json.RawMessage `json:"arn,omitempty"`
	UniqueID json.RawMessage `json:"uniqueId,omitempty"`
}

// step is what they look at of a step of a preview.
type step struct {
	Op       string         `json:"op"`
	URN      string         `json:"urn,omitempty"`
	NewState *resourceState `json:"newState,omitempty"`
}

// ReadStack reads the JSON that `pulumi preview --json` or `pulumi stack export` writes, as a stream: it keeps what the rules look at,
// and no more. What is neither, or is not whole, is an error that says what was found; path is what errors and findings call it.
func ReadStack(path string, r io.Reader) (Stack, error) {
	reader := &stackReader{decoder: json.NewDecoder(r), stack: Stack{File: File{Path: path}}, seen: map[string]bool{}}
	if err := reader.read(); err != nil {
		var syntax *json.SyntaxError
		var wrongType *json.UnmarshalTypeError
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF) && reader.decoder.InputOffset() > 0:
			err = fmt.Errorf("it ends in the middle, at byte %d", reader.decoder.InputOffset())
		case errors.Is(err, io.EOF):
			err = errors.New("it is empty")
		case errors.As(err, &syntax):
			err = fmt.Errorf("it is not JSON: %w, at byte %d", syntax, syntax.Offset)
		case errors.As(err, &wrongType):
			field := cmp.Or(wrongType.Field, "a resource")
			err = fmt.Errorf("%s is a JSON %s, which Pulumi does not write there, at byte %d", field, wrongType.Value, wrongType.Offset)
		}
		return Stack{}, fmt.Errorf("%s: %w", path, err)
	}
	return reader.stack, nil
}

type stackReader struct {
	decoder *json.Decoder
	stack   Stack
	seen    map[string]bool // URNs
}

// open reads the delimiter that an array or an object begins with.
func (r *stackReader) open(delimiter json.Delim) error {
	token, err := r.decoder.Token()
	if err != nil {
		return err
	}
	if token != delimiter {
		return errors.New("it is neither a preview (pulumi preview --json --show-sames) nor an exported stack (pulumi stack export)")
	}
	return nil
}

func (r *stackReader) read() error {
	if err := r.open('{'); err != nil {
		return err
	}
	kept := map[string]any{}
	for r.decoder.More() {
		key, err := r.key()
		if err != nil {
			return err
		}
		switch key {
		case "steps":
			r.stack.Kind = "preview"
			kept[key], err = r.steps()
		case "deployment":
			r.stack.Kind = "state"
			kept[key], err = r.deployment()
		case "config", "changeSummary", "diagnostics":
			var value json.RawMessage
			err = r.decoder.Decode(&value)
			kept[key] = value
		default:
			err = r.skip()
		}
		if err != nil {
			return err
		}
	}
	if _, err := r.decoder.Token(); err != nil {
		return err
	}
	if _, err := r.decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is text behind the JSON object")
	}
	switch {
	case r.stack.Kind == "" && kept["changeSummary"] != nil || kept["diagnostics"] != nil && r.stack.Kind == "":
		// A preview that failed at once has no steps.
		r.stack.Kind, kept["steps"] = "preview", []step{}
	case r.stack.Kind == "":
		return errors.New("it is neither a preview (pulumi preview --json --show-sames) nor an exported stack (pulumi stack export)")
	}
	contents, err := json.Marshal(kept)
	r.stack.Contents = contents
	return err
}

func (r *stackReader) key() (string, error) {
	token, err := r.decoder.Token()
	key, _ := token.(string)
	return key, err
}

// skip passes over a value without keeping it.
func (r *stackReader) skip() error {
	var ignored json.RawMessage
	return r.decoder.Decode(&ignored)
}

func (r *stackReader) steps() ([]step, error) {
	if err := r.open('['); err != nil {
		return nil, err
	}
	kept := []step{}
	for r.decoder.More() {
		var one step
		if err := r.decoder.Decode(&one); err != nil {
			return nil, err
		}
		if one.NewState == nil {
			continue
		}
		// A replacement is several steps of one resource.
		if one.Op != "replace" && one.Op != "delete-replaced" {
			if err := r.take(one.NewState); err != nil {
				return nil, err
			}
		}
		if !looksAt(one.NewState) {
			one.NewState = nil
		}
		if one.NewState != nil || one.Op == "same" {
			one.URN = ""
			kept = append(kept, one)
		}
	}
	_, err := r.decoder.Token()
	return kept, err
}

func (r *stackReader) deployment() (any, error) {
	if err := r.open('{'); err != nil {
		return nil, err
	}
	kept := []*resourceState{}
	for r.decoder.More() {
		key, err := r.key()
		if err != nil {
			return nil, err
		}
		if key != "resources" {
			if err := r.skip(); err != nil {
				return nil, err
			}
			continue
		}
		if err := r.open('['); err != nil {
			return nil, err
		}
		for r.decoder.More() {
			state := &resourceState{}
			if err := r.decoder.Decode(state); err != nil {
				return nil, err
			}
			if !state.Delete {
				if err := r.take(state); err != nil {
					return nil, err
				}
			}
			if looksAt(state) {
				kept = append(kept, state)
			}
		}
		if _, err := r.decoder.Token(); err != nil {
			return nil, err
		}
	}
	_, err := r.decoder.Token()
	return map[string]any{"resources": kept}, err
}

// take counts a resource, and refuses one that has been there before: then it is not known which of them will be.
func (r *stackReader) take(state *resourceState) error {
	if r.seen[state.URN] {
		return fmt.Errorf("the resource %s is there twice", state.URN)
	}
	r.seen[state.URN] = true
	r.stack.Resources++
	if r.stack.Name == "" {
		r.stack.Name, _, _ = strings.Cut(strings.TrimPrefix(state.URN, "urn:pulumi:"), "::")
	}
	return nil
}

// looksAt says whether the rules look at a resource: whether they name its type, or it is a policy, which they look at all.
func looksAt(state *resourceState) bool {
	return strings.HasPrefix(state.Type, "aws:") && (strings.HasSuffix(state.Type, "Policy") || namedTypes()[state.Type]) ||
		state.Type == "pulumi:providers:aws" || state.Type == "pulumi:pulumi:Stack"
}

// namedTypes are the types of AWS's resources that the rules name.
var namedTypes = sync.OnceValue(func() map[string]bool {
	named := map[string]bool{}
	files, _ := fs.Glob(ruleModules, "rules/*") // The pattern is right.
	for _, file := range files {
		if strings.HasSuffix(file, "_test.rego") {
			continue
		}
		text, _ := ruleModules.ReadFile(file) // It is embedded.
		for _, name := range awsType.FindAllString(string(text), -1) {
			named[name] = true
		}
	}
	return named
})

var awsType = regexp.MustCompile(`aws:[a-z0-9]+/[A-Za-z0-9]+:[A-Za-z0-9]+`)
