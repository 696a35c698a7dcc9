package policy

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Registered is a resource that Pulumi registers or has registered, with what is known of it by then, as a preview shows it.
type Registered struct {
	URN  string `json:"urn"`
	Type string `json:"type"`
	// Provider is the URN of the resource's provider; empty where nobody tells it.
	Provider string         `json:"provider,omitempty"`
	Inputs   map[string]any `json:"inputs"`
	// Outputs are those that are known so far; nil where nobody tells them.
	Outputs map[string]any `json:"outputs,omitempty"`
	// Dependencies are the URNs that inputs come from, by the input.
	Dependencies map[string][]string `json:"propertyDependencies"`
	// Unknown tells that not all of its inputs are known yet.
	Unknown bool `json:"-"`
}

// RegisteredFile is what the rules read of the resources of one stack, with the settings of the stack that say whose they are: the preview
// that Pulumi would write of them.
func RegisteredFile(config map[string]string, resources []Registered) (File, error) {
	steps := make([]map[string]any, len(resources))
	for i, one := range resources {
		steps[i] = map[string]any{"op": "create", "newState": one}
	}
	contents, err := json.Marshal(map[string]any{"config": config, "steps": steps})
	if err != nil {
		return File{}, fmt.Errorf("judging what is registered: %w", err)
	}
	return File{Contents: contents}, nil
}

// IsForUp tells that a finding of a preview is for up to judge, because the preview cannot know yet what it misses of the resource.
func IsForUp(finding Finding, resources []Registered) bool {
	return finding.Category == "integrity" && slices.ContainsFunc(resources, func(one Registered) bool {
		return one.URN == finding.URN && one.Unknown
	})
}
