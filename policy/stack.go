package policy

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Stack is what ReadStack has read, as far as the rules look at it.
type Stack struct {
	File
	// Name is the stack's name, and Project that of its project; empty where the file has no resource.
	Name, Project string
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
	QueueURL    []string `json:"queueUrl,omitempty"`
	ARN         []string `json:"arn,omitempty"`
	SourceARN   []string `json:"sourceArn,omitempty"`
}

// stateOutputs are the outputs that say something which the inputs do not.
type stateOutputs struct {
	ARN      json.RawMessage `json:"arn,omitempty"`
	UniqueID json.RawMessage `json:"uniqueId,omitempty"`
	exportedRole
	// Outputs are what a reference to a stack has read of it.
	Outputs readRole `json:"outputs,omitzero"`
}

// exportedRole is what the compute stack exports of its role.
type exportedRole struct {
	RoleARN      json.RawMessage `json:"roleArn,omitempty"`
	RoleUniqueID json.RawMessage `json:"roleUniqueId,omitempty"`
}

type readRole exportedRole

// UnmarshalJSON takes nothing of what is no object: other resources have lists by that name.
func (r *readRole) UnmarshalJSON(text []byte) error {
	if !bytes.HasPrefix(text, []byte("{")) {
		return nil
	}
	return json.Unmarshal(text, (*exportedRole)(r))
}

// step is what they look at of a step of a preview.
type step struct {
	Op       string         `json:"op"`
	URN      string         `json:"urn,omitempty"`
	NewState *resourceState `json:"newState,omitempty"`
}

// maxStackValue is how many bytes one value of a file may have, as a resource: the file is read as a stream, but what it is made of is not.
const maxStackValue = 64 << 20

// errNoStack is for JSON that is something else.
var errNoStack = errors.New("it is neither a preview (pulumi preview --json --show-sames) nor an exported stack (pulumi stack export)")

// ReadStack reads the JSON that `pulumi preview --json` or `pulumi stack export` writes, as a stream: it keeps what the rules look at,
// and no more. What is neither, is not whole, or is larger in one piece than any resource is an error of one line that says what was found
// and where; path is what errors and findings call it.
func ReadStack(path string, r io.Reader) (Stack, error) {
	input := &boundedReader{from: bufio.NewReader(r)}
	reader := &stackReader{
		input: input, decoder: json.NewDecoder(input), stack: Stack{File: File{Path: path}}, seen: map[string]bool{},
	}
	if err := reader.read(); err != nil {
		var syntax *json.SyntaxError
		var wrongType *json.UnmarshalTypeError
		switch {
		case errors.Is(err, io.EOF) && reader.at == 0:
			err = errors.New("it is empty")
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
			err = fmt.Errorf("it ends in the middle, at byte %d", input.read)
		case errors.As(err, &syntax):
			err = fmt.Errorf("it is not JSON behind byte %d: %w", reader.at, syntax)
		case errors.As(err, &wrongType):
			field := cmp.Or(wrongType.Field, "a resource")
			err = reader.errorf("%s is a JSON %s, which Pulumi does not write there", field, wrongType.Value)
		}
		return Stack{}, fmt.Errorf("%s: %w", path, err)
	}
	return reader.stack, nil
}

type stackReader struct {
	input   *boundedReader
	decoder *json.Decoder
	at      int64 // where the token or value that was read last begins, or the space in front of it
	stack   Stack
	seen    map[string]bool // URNs
	other   string          // a type of resource that is not of AWS
	ofAWS   bool            // there is a resource that is
}

// boundedReader ends with an error behind a certain byte.
type boundedReader struct {
	from        *bufio.Reader
	read, until int64
}

func (r *boundedReader) Read(p []byte) (int, error) {
	if r.read >= r.until {
		return 0, fmt.Errorf("what begins behind byte %d is larger than %d MiB, as no resource is", r.until-maxStackValue, maxStackValue>>20)
	}
	n, err := r.from.Read(p[:min(int64(len(p)), r.until-r.read)])
	r.read += int64(n)
	return n, err
}

// next is called in front of whatever is read of the decoder.
func (r *stackReader) next() *json.Decoder {
	r.at = r.decoder.InputOffset()
	r.input.until = r.at + maxStackValue
	return r.decoder
}

// errorf is an error about what was read last.
func (r *stackReader) errorf(format string, args ...any) error {
	return fmt.Errorf("behind byte %d: "+format, append([]any{r.at}, args...)...)
}

// open reads the delimiter that an array or an object begins with.
func (r *stackReader) open(delimiter json.Delim) error {
	token, err := r.next().Token()
	if err == nil && token != delimiter {
		return errNoStack
	}
	return err
}

func (r *stackReader) read() error {
	// PowerShell's > writes UTF-16.
	if begin, _ := r.input.from.Peek(3); bytes.HasPrefix(begin, []byte("\xff\xfe")) || bytes.HasPrefix(begin, []byte("\xfe\xff")) ||
		bytes.Equal(begin, []byte("\xef\xbb\xbf")) {
		return errors.New("it begins with a byte order mark; write it as UTF-8 without one")
	}
	if err := r.open('{'); err != nil {
		return err
	}
	kept := map[string]any{}
	for r.next().More() {
		key, err := r.key()
		if err != nil {
			return err
		}
		if _, twice := kept[key]; twice || key == "steps" && kept["deployment"] != nil || key == "deployment" && kept["steps"] != nil {
			return r.errorf("there is %s, and something like it before", key)
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
			err = r.next().Decode(&value)
			kept[key] = value
		default:
			err = r.skip()
		}
		if err != nil {
			return err
		}
	}
	if _, err := r.next().Token(); err != nil {
		return err
	}
	var syntax *json.SyntaxError
	switch _, err := r.next().Token(); {
	case err == nil, errors.As(err, &syntax):
		return r.errorf("there is text behind the JSON object")
	case !errors.Is(err, io.EOF):
		return err
	}
	switch {
	case r.stack.Kind == "" && kept["changeSummary"] != nil || kept["diagnostics"] != nil && r.stack.Kind == "":
		// A preview that failed at once has no steps.
		r.stack.Kind, kept["steps"] = "preview", []step{}
	case r.stack.Kind == "":
		return errNoStack
	case r.other != "" && !r.ofAWS:
		return fmt.Errorf("it has no resource of AWS, but such as %q", r.other)
	}
	contents, err := json.Marshal(kept)
	r.stack.Contents = contents
	return err
}

func (r *stackReader) key() (string, error) {
	token, err := r.next().Token()
	key, _ := token.(string)
	return key, err
}

// skip passes over a value without keeping it.
func (r *stackReader) skip() error {
	var ignored json.RawMessage
	return r.next().Decode(&ignored)
}

func (r *stackReader) steps() ([]step, error) {
	if err := r.open('['); err != nil {
		return nil, err
	}
	kept := []step{}
	for r.next().More() {
		var one step
		if err := r.next().Decode(&one); err != nil {
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
	_, err := r.next().Token()
	return kept, err
}

func (r *stackReader) deployment() (any, error) {
	if err := r.open('{'); err != nil {
		return nil, err
	}
	kept := []*resourceState{}
	for r.next().More() {
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
		for r.next().More() {
			state := &resourceState{}
			if err := r.next().Decode(state); err != nil {
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
		if _, err := r.next().Token(); err != nil {
			return nil, err
		}
	}
	_, err := r.next().Token()
	return map[string]any{"resources": kept}, err
}

// take counts a resource, and refuses one that has been there before: then it is not known which of them will be.
func (r *stackReader) take(state *resourceState) error {
	if r.seen[state.URN] {
		return r.errorf("the resource %q is there twice", state.URN)
	}
	if !strings.HasPrefix(state.URN, "urn:pulumi:") || state.Type == "" {
		return r.errorf("a resource of the type %q has the URN %q, which Pulumi does not write", state.Type, state.URN)
	}
	// Its resources are those of AWS, with other types and properties: policies in them would go unseen.
	if strings.HasPrefix(state.Type, "aws-native:") {
		return r.errorf("the resource %q is one of aws-native, whose policies no rule can read", state.URN)
	}
	r.seen[state.URN] = true
	r.ofAWS = r.ofAWS || strings.HasPrefix(state.Type, "aws:")
	if !strings.HasPrefix(state.Type, "aws:") && !strings.HasPrefix(state.Type, "pulumi:") {
		r.other = state.Type
	}
	r.stack.Resources++
	if r.stack.Name == "" {
		stack, rest, _ := strings.Cut(strings.TrimPrefix(state.URN, "urn:pulumi:"), "::")
		r.stack.Name = stack
		r.stack.Project, _, _ = strings.Cut(rest, "::")
	}
	return nil
}

// looksAt says whether the rules look at a resource: whether they name its type, or there may be a policy in it, which they look at all.
func looksAt(state *resourceState) bool {
	return strings.HasPrefix(state.Type, "aws:") &&
		(namedTypes()[state.Type] || strings.HasSuffix(state.Type, "Policy") || mayHavePolicy(state.Inputs)) ||
		slices.Contains([]string{"pulumi:providers:aws", "pulumi:pulumi:Stack", "pulumi:pulumi:StackReference"}, state.Type)
}

// mayHavePolicy says whether inputs have a policy among them, or something by that name that is not known yet.
func mayHavePolicy(inputs []byte) bool {
	return bytes.Contains(inputs, []byte("Statement")) || bytes.Contains(inputs, []byte("olic"))
}

// namedTypes are the types of AWS's resources that the rules name.
var namedTypes = sync.OnceValue(func() map[string]bool {
	named := map[string]bool{}
	for _, text := range moduleTexts(ruleModules, "rules/*") {
		for _, name := range awsType.FindAllString(text, -1) {
			named[name] = true
		}
	}
	return named
})

var awsType = regexp.MustCompile(`aws:[a-z0-9]+/[A-Za-z0-9]+:[A-Za-z0-9]+`)
