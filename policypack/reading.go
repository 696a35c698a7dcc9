package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"google.golang.org/protobuf/types/known/structpb"

	"cross-account-s3/policy"
)

// reading makes of properties, as the engine sends them, what a preview or a state shows of them.
type reading struct {
	// unknown tells that there were some which are not known yet.
	unknown bool
}

// outputs are those that are known: of the others, a preview shows nothing either.
func outputs(properties *structpb.Struct) map[string]any {
	values := map[string]any{}
	for name, value := range properties.GetFields() {
		known := &reading{}
		if one := known.value(value); !known.unknown {
			values[name] = one
		}
	}
	return values
}

func (r *reading) object(properties *structpb.Struct) map[string]any {
	values := map[string]any{}
	for name, value := range properties.GetFields() {
		values[name] = r.value(value)
	}
	return values
}

func (r *reading) value(value *structpb.Value) any {
	switch kind := value.GetKind().(type) {
	case *structpb.Value_ListValue:
		values := make([]any, len(kind.ListValue.GetValues()))
		for i, one := range kind.ListValue.GetValues() {
			values[i] = r.value(one)
		}
		return values
	case *structpb.Value_StructValue:
		values := r.object(kind.StructValue)
		switch values[resource.SigKey] {
		case resource.SecretSig:
			// A state has secrets encrypted: what they are, no rule reads and no finding tells.
			return map[string]any{resource.SigKey: resource.SecretSig}
		case resource.AssetSig, resource.ArchiveSig:
			return nil // No rule looks at files.
		}
		return values
	case *structpb.Value_StringValue:
		r.unknown = r.unknown || policy.IsUnknown(kind.StringValue)
		return kind.StringValue
	default:
		return value.AsInterface()
	}
}
