package lab

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

// The stacks of the project, in the order in which they are deployed.
const (
	ComputeStack = "account-a"
	DataStack    = "account-b"
)

// Settings are those of the project's settings that the accounts around it have to agree with.
type Settings struct {
	ComputeAccount string
	DataAccount    string
	Region         string
	BucketName     string
	RoleName       string
	FunctionName   string
	Prefix         string
}

// stackSettings are settings of a stack, by their key in its file without the project's name; a list is in JSON.
type stackSettings map[string]string

// defaults are what the lab sets in its copies of the stacks' files. The function has to be built for this machine, on which it runs,
// and a bucket that versions its objects, or is protected, could not be destroyed with anything in it.
func defaults() (map[string]stackSettings, error) {
	architecture, has := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	if runtime.GOOS != "linux" || !has {
		return nil, fmt.Errorf("the lab runs the function's own binary, which is built for Linux on arm64 or x86_64, and this machine is %s "+
			"on %s; run the lab in a Linux container", runtime.GOOS, runtime.GOARCH)
	}
	return map[string]stackSettings{
		ComputeStack: {"architecture": architecture},
		DataStack:    {"forceDestroy": "true", "protect": "false"},
	}, nil
}

// configure writes settings into the files of the stacks in a directory, and reads what they are then.
func configure(directory string, overrides ...map[string]stackSettings) (Settings, error) {
	project, err := workspace.LoadProject(filepath.Join(directory, "Pulumi.yaml"))
	if err != nil {
		return Settings{}, fmt.Errorf("reading Pulumi.yaml: %w", err)
	}
	quiet := diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: colors.Never})
	stacks := map[string]*workspace.ProjectStack{}
	for _, name := range []string{ComputeStack, DataStack} {
		path := filepath.Join(directory, "Pulumi."+name+".yaml")
		stack, err := workspace.LoadProjectStack(quiet, project, path)
		if err != nil {
			return Settings{}, fmt.Errorf("reading the settings of stack %s: %w", name, err)
		}
		for _, override := range overrides {
			for key, value := range override[name] {
				set := config.NewValue(value)
				if strings.HasPrefix(value, "[") { // A list, in JSON.
					set = config.NewObjectValue(value)
				}
				if err := stack.Config.Set(config.MustMakeKey(string(project.Name), key), set, false); err != nil {
					return Settings{}, fmt.Errorf("setting %s of stack %s: %w", key, name, err)
				}
			}
		}
		if err := stack.Save(path); err != nil {
			return Settings{}, fmt.Errorf("writing the settings of stack %s: %w", name, err)
		}
		stacks[name] = stack
	}

	var problems []error
	get := func(stack string, key config.Key) string {
		if value, has := stacks[stack].Config[key]; has {
			text, err := value.Value(config.NopDecrypter)
			problems = append(problems, err)
			return text
		}
		if declared, has := project.Config[key.Name()]; has && key.Namespace() == string(project.Name) {
			text, _ := declared.Default.(string)
			return text
		}
		return ""
	}
	own := func(stack, name string) string { return get(stack, config.MustMakeKey(string(project.Name), name)) }
	settings := Settings{
		ComputeAccount: own(ComputeStack, "computeAccountId"),
		DataAccount:    own(DataStack, "dataAccountId"),
		Region:         get(ComputeStack, config.MustMakeKey("aws", "region")),
		BucketName:     own(DataStack, "bucketName"),
		RoleName:       own(ComputeStack, "roleName"),
		FunctionName:   own(ComputeStack, "functionName"),
		Prefix:         own(ComputeStack, "prefix"),
	}
	if err := errors.Join(problems...); err != nil {
		return Settings{}, fmt.Errorf("reading the stacks' settings: %w", err)
	}
	return settings, nil
}

// projectName is the name of the project in a directory.
func projectName(directory string) (tokens.PackageName, error) {
	project, err := workspace.LoadProject(filepath.Join(directory, "Pulumi.yaml"))
	if err != nil {
		return "", fmt.Errorf("%s is not the directory of a Pulumi project: %w", directory, err)
	}
	return project.Name, nil
}
