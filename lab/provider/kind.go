package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// kind is one resource type.
type kind interface {
	// fields are the inputs that the lab knows of the type, by name.
	fields() map[string]field
	// check fills in defaults and finds what is missing, of the wrong type or not known to the lab.
	check(inputs resource.PropertyMap) (resource.PropertyMap, []*pulumirpc.CheckFailure)
	// put makes the resource, or changes it to what the inputs say, and returns its id.
	put(ctx context.Context, s *session, inputs resource.PropertyMap, create bool) (id string, err error)
	// get is what the resource is now: its inputs and what AWS adds to them. Inputs that cannot be read are taken from those given.
	get(ctx context.Context, s *session, id string, inputs resource.PropertyMap) (resource.PropertyMap, error)
	remove(ctx context.Context, s *session, id string, properties resource.PropertyMap) error
}

// simulated is a Go struct with the inputs of a resource type, which can be put, got and removed. Its tags say more of an input:
//
//	json:"name"          the input's name
//	lab:"required"       it has to be there
//	lab:"replaces"       a change means another resource
//	lab:"name"           it is the resource's name in its account; a change means another resource
//	lab:"policy"         it is a policy document, which does not change when only its spelling does
//	lab:"local"          it cannot be read back from AWS
//	default:"…"          what AWS takes without it, in JSON
type simulated[T any] interface {
	*T
	put(ctx context.Context, s *session, create bool) (id string, err error)
	// get fills in the inputs and returns what AWS adds to them.
	get(ctx context.Context, s *session, id string) (computed map[string]any, err error)
	remove(ctx context.Context, s *session, id string) error
}

// simulation makes a kind of a struct.
type simulation[T any, P simulated[T]] struct{}

func of[T any, P simulated[T]]() kind { return simulation[T, P]{} }

type field struct {
	required, replaces, name, policy, local bool
	value                                   json.RawMessage
}

func (simulation[T, P]) fields() map[string]field {
	all := map[string]field{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		marks := strings.Split(f.Tag.Get("lab"), ",")
		has := func(mark string) bool { return slices.Contains(marks, mark) }
		all[name] = field{
			required: has("required") || has("name"), replaces: has("replaces") || has("name"), name: has("name"), policy: has("policy"),
			local: has("local"), value: json.RawMessage(f.Tag.Get("default")),
		}
	}
	return all
}

func (k simulation[T, P]) check(inputs resource.PropertyMap) (resource.PropertyMap, []*pulumirpc.CheckFailure) {
	var failures []*pulumirpc.CheckFailure
	fail := func(property, format string, args ...any) {
		failures = append(failures, &pulumirpc.CheckFailure{Property: property, Reason: fmt.Sprintf(format, args...)})
	}
	checked := inputs.Copy()
	fields := k.fields()
	for _, key := range inputs.StableKeys() {
		name := string(key)
		if _, known := fields[name]; !known && !strings.HasPrefix(name, "__") {
			fail(name, "the lab does not simulate the input %s of this resource type", name)
		}
	}
	for name, field := range fields {
		key := resource.PropertyKey(name)
		switch _, given := checked[key]; {
		case given:
		case field.required:
			fail(name, "the input %s is required and missing", name)
		case len(field.value) > 0:
			var value any
			if err := json.Unmarshal(field.value, &value); err != nil {
				fail(name, "the default of %s: %v", name, err)
				continue
			}
			checked[key] = resource.NewPropertyValue(value)
		}
	}
	slices.SortFunc(failures, func(a, b *pulumirpc.CheckFailure) int { return strings.Compare(a.GetProperty(), b.GetProperty()) })
	if len(failures) == 0 {
		if _, err := decode[T](checked, nil); err != nil {
			fail("", "%v", err)
		}
	}
	return checked, failures
}

func (simulation[T, P]) put(ctx context.Context, s *session, inputs resource.PropertyMap, create bool) (string, error) {
	value, err := decode[T](inputs, s)
	if err != nil {
		return "", err
	}
	return P(value).put(ctx, s, create)
}

func (k simulation[T, P]) get(ctx context.Context, s *session, id string, inputs resource.PropertyMap) (resource.PropertyMap, error) {
	value := new(T)
	computed, err := P(value).get(ctx, s, id)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	all := map[string]any{}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	for name, value := range computed {
		all[name] = value
	}
	outputs := resource.NewPropertyMapFromMap(all)
	for name, field := range k.fields() {
		if !field.local {
			continue
		}
		key := resource.PropertyKey(name)
		delete(outputs, key)
		if value, given := inputs[key]; given {
			outputs[key] = value
		}
	}
	return outputs, nil
}

func (simulation[T, P]) remove(ctx context.Context, s *session, id string, properties resource.PropertyMap) error {
	// A deleted resource's own package may be gone from the disk, and is not needed.
	value, err := decode[T](known[T](properties), nil)
	if err != nil {
		return err
	}
	return P(value).remove(ctx, s, id)
}

// known are the properties that are inputs of the type.
func known[T any](properties resource.PropertyMap) resource.PropertyMap {
	inputs := resource.PropertyMap{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if value, has := properties[resource.PropertyKey(name)]; has {
			inputs[resource.PropertyKey(name)] = value
		}
	}
	return inputs
}

// decode reads inputs into their struct. Archives become their bytes, for which the session's project directory is needed; without a
// session they are left out, as is what is not known yet.
func decode[T any](inputs resource.PropertyMap, s *session) (*T, error) {
	plain := map[string]any{}
	for key, value := range inputs {
		if strings.HasPrefix(string(key), "__") || value.ContainsUnknowns() {
			continue
		}
		if !value.IsArchive() {
			plain[string(key)] = value.Mappable()
			continue
		}
		if s != nil {
			code, err := s.bytes(value.ArchiveValue())
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			plain[string(key)] = code
		}
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return nil, err
	}
	value := new(T)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return nil, fmt.Errorf("the input %s is a JSON %s, expected a %s", wrong.Field, wrong.Value, wrong.Type)
		}
		return nil, fmt.Errorf("the lab does not simulate this: %w", err)
	}
	return value, nil
}

// bytes are those of a deployment package, a zip.
func (s *session) bytes(code *archive.Archive) ([]byte, error) {
	var buffer bytes.Buffer
	if err := code.ArchiveWithWD(archive.ZIPArchive, &buffer, s.directory); err != nil {
		return nil, fmt.Errorf("reading the archive: %w", err)
	}
	return buffer.Bytes(), nil
}

// same says whether two values of an input mean the same.
func same(field field, a, b resource.PropertyValue) bool {
	if a.DeepEquals(b) {
		return true
	}
	if !field.policy || !a.IsString() || !b.IsString() {
		return false
	}
	var one, other any
	if json.Unmarshal([]byte(a.StringValue()), &one) != nil || json.Unmarshal([]byte(b.StringValue()), &other) != nil {
		return false
	}
	return reflect.DeepEqual(one, other)
}
