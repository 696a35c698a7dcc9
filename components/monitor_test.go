package components

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// monitor stands in for the engine. It notes what a program registers, for a test to look at when the program is over: an assertion
// inside an ApplyT would pass for an output that never gets a value.
type monitor struct {
	// stacks are the outputs of the other stacks there are.
	stacks map[string]resource.PropertyMap
	// build stands in for local.Run.
	build func(args map[string]any) error
	// parameters and secrets are what can be read of other accounts, by the full ARN. An empty one is refused.
	parameters, secrets map[string]string
	// previews is whether resources are only planned, so that what AWS decides about them (ARNs, ids) is not known.
	previews bool

	mutex     sync.Mutex
	resources []registration
}

// registration is one resource, as the engine was asked for it.
type registration struct {
	token, name, parent string
	version             string // of the provider
	inputs              map[string]any
	dependencies        []string
	replacementTrigger  any
	deleteBeforeReplace bool
}

// id is what other registrations call a resource.
func (r registration) id() string { return r.token + "::" + r.name }

// resourceOf shortens a URN to the type and name at its end.
func resourceOf(urn string) string {
	parts := strings.Split(urn, "::")
	types := strings.Split(parts[len(parts)-2], "$")
	return types[len(types)-1] + "::" + parts[len(parts)-1]
}

func (m *monitor) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	if args.TypeToken == "pulumi:pulumi:StackReference" {
		stack := args.Inputs["name"].StringValue()
		return stack, resource.PropertyMap{"name": args.Inputs["name"], "outputs": resource.NewProperty(m.stacks[stack])}, nil
	}
	noted := registration{
		token:               args.TypeToken,
		name:                args.Name,
		version:             args.RegisterRPC.GetVersion(),
		parent:              resourceOf(args.RegisterRPC.GetParent()),
		inputs:              args.Inputs.Mappable(),
		replacementTrigger:  args.RegisterRPC.GetReplacementTrigger().AsInterface(),
		deleteBeforeReplace: args.RegisterRPC.GetDeleteBeforeReplace(),
	}
	for _, urn := range args.RegisterRPC.GetDependencies() {
		noted.dependencies = append(noted.dependencies, resourceOf(urn))
	}
	slices.Sort(noted.dependencies)
	m.mutex.Lock()
	m.resources = append(m.resources, noted)
	m.mutex.Unlock()

	state := args.Inputs.Copy()
	if args.Custom && !m.previews {
		state["arn"] = resource.NewProperty("arn-of-" + args.Name)
		state["uniqueId"] = resource.NewProperty("AROAEXAMPLE")
	}
	return args.Name + "-id", state, nil
}

func (m *monitor) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	switch args.Token {
	case "command:local:run":
		if m.build == nil {
			return nil, fmt.Errorf("nothing should be built here")
		}
		return resource.PropertyMap{}, m.build(args.Args.Mappable())
	case "pulumi:pulumi:readStackOutputs":
		name := args.Args["name"].StringValue()
		if _, known := m.stacks[name]; !known {
			return nil, fmt.Errorf("unknown stack %q", name)
		}
		return resource.PropertyMap{}, nil
	case "aws:ssm/getParameter:getParameter":
		value, err := read(m.parameters, args.Args["name"].StringValue())
		return resource.PropertyMap{"insecureValue": resource.NewProperty(value), "type": resource.NewProperty("String")}, err
	case "aws:secretsmanager/getSecretVersion:getSecretVersion":
		value, err := read(m.secrets, args.Args["secretId"].StringValue())
		return resource.PropertyMap{"secretString": resource.NewProperty(value)}, err
	default:
		return nil, fmt.Errorf("unexpected function %s", args.Token)
	}
}

func read(values map[string]string, arn string) (string, error) {
	value, known := values[arn]
	switch {
	case !known:
		return "", fmt.Errorf("NotFound: there is no %s", arn)
	case value == "":
		return "", fmt.Errorf("AccessDenied: nobody may read %s", arn)
	}
	return value, nil
}

// run runs a program against the monitor, as the engine runs that of a stack.
func (m *monitor) run(stack string, configuration map[string]string, program func(*pulumi.Context) error) error {
	return pulumi.RunErr(program, pulumi.WithMocks("cross-account-s3", stack, m), func(info *pulumi.RunInfo) {
		info.DryRun = m.previews
		info.Config = configuration
	})
}

// one is the only registration of a type.
func (m *monitor) one(t *testing.T, token string) registration {
	t.Helper()
	return m.named(t, token, "")
}

// named is the registration of a type and a name.
func (m *monitor) named(t *testing.T, token, name string) registration {
	t.Helper()
	var found []registration
	for _, r := range m.resources {
		if r.token == token && (name == "" || r.name == name) {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d resources of type %s, expected one; registered: %q", len(found), token, m.ids())
	}
	return found[0]
}

// ids are the type and name of everything registered, sorted.
func (m *monitor) ids() []string {
	var ids []string
	for _, r := range m.resources {
		ids = append(ids, r.id())
	}
	return slices.Sorted(slices.Values(ids))
}

// expectEqual compares and shows both sides as JSON.
func expectEqual(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, show(got), show(want))
	}
}

func show(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%#v", value)
	}
	return string(text)
}

// expectDocument compares a policy document with what it should say.
func expectDocument(t *testing.T, what string, got any, want string) {
	t.Helper()
	text, isText := got.(string)
	if !isText {
		t.Fatalf("%s is %v, not text that is known at preview", what, got)
	}
	expectEqual(t, what, parse(t, text), parse(t, want))
}

func parse(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

// configuration is what the engine hands the program of a stack: the defaults of Pulumi.yaml, the stack's file over them, and the
// changes over both.
func configuration(t *testing.T, stack string, changes map[string]string) map[string]string {
	t.Helper()
	project, err := workspace.LoadProject("../Pulumi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	configuration := map[string]string{}
	for key, declared := range project.Config {
		if declared.Default == nil {
			continue
		}
		text, isText := declared.Default.(string)
		if !isText {
			text = show(declared.Default)
		}
		configuration["cross-account-s3:"+key] = text
	}
	file, err := workspace.LoadProjectStack(nil, project, "../Pulumi."+stack+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range file.Config {
		text, err := value.Value(config.NopDecrypter)
		if err != nil {
			t.Fatal(err)
		}
		configuration[key.String()] = text
	}
	maps.Copy(configuration, changes)
	return configuration
}

// settingsOf are the settings of a stack with some of its configuration changed.
func settingsOf(t *testing.T, stack string, changes map[string]string) (settings *Settings, err error) {
	t.Helper()
	m := &monitor{}
	if failure := m.run(stack, configuration(t, stack, changes), func(ctx *pulumi.Context) error {
		settings, err = ReadSettings(ctx)
		return nil
	}); failure != nil {
		t.Fatal(failure)
	}
	if len(m.resources) > 0 {
		t.Errorf("reading settings registered %q", m.ids())
	}
	return settings, err
}
