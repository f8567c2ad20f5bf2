//! Compiles `proto/` for the proto crate: messages and their methods, their JSON form, tonic services with their guards,
//! REST routes, the OpenAPI document and the descriptor sets. It has no other job; the proto crate says `build = "../build.rs"`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use heck::{ToShoutySnakeCase as _, ToSnakeCase as _, ToUpperCamelCase as _};
use prost::Message as _;
use prost_reflect::{DescriptorPool, MethodDescriptor, ServiceDescriptor, Value};
use prost_types::{EnumDescriptorProto, FileDescriptorSet};
use rest_over_grpc::build::{DescriptorOptions, Generator, OpenApiInfo, ServiceDefinition};

const PACKAGES: [&str; 2] = ["restic_manager.v1", "restic_manager.agent.v1"];

/// The package whose methods people and their programs call.
const OPERATORS: &str = PACKAGES[0];

/// The option that says who may call a method.
const ACCESS: &str = "restic_manager.v1.access";

/// The field that makes a call repeatable: whoever sends the same value again gets the same answer.
const REQUEST_ID: &str = "request_id";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let grpc = env::var_os("CARGO_FEATURE_GRPC").is_some();
    let rest = env::var_os("CARGO_FEATURE_REST").is_some();

    let contract = compile()?;
    // Written by protox itself: a round trip through `prost_types` would drop the options.
    fs::write(out.join("descriptors.bin"), &contract)?;
    messages(&contract, grpc)?;
    methods(&contract, &out)?;
    if grpc {
        guards(&contract, &out)?;
    }
    if rest {
        json(&contract)?;
        routes(&contract, &out)?;
    }
    Ok(())
}

/// Compiles every `.proto` file of ours into one descriptor set with imports and comments.
fn compile() -> Result<Vec<u8>> {
    let mut compiler = protox::Compiler::new([".", "third_party"])?;
    compiler.include_imports(true).include_source_info(true);
    println!("cargo:rerun-if-changed=third_party");
    for directory in ["restic_manager/v1", "restic_manager/agent/v1"] {
        println!("cargo:rerun-if-changed={directory}");
        let mut files: Vec<PathBuf> = fs::read_dir(directory)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "proto"));
        files.sort();
        compiler.open_files(files)?;
    }
    Ok(compiler.encode_file_descriptor_set())
}

/// Writes messages, clients and, with the feature `grpc`, server traits.
fn messages(contract: &[u8], grpc: bool) -> Result<()> {
    tonic_prost_build::configure()
        .build_server(grpc)
        .build_transport(false)
        .extern_path(".google.protobuf", "::pbjson_types")
        .compile_well_known_types(true)
        // Maps in order: the same message has the same bytes.
        .btree_map(".")
        .compile_fds(FileDescriptorSet::decode(contract)?)?;
    Ok(())
}

/// Writes `restic_manager.v1.methods.rs`: for each request message the method it belongs to, for typed calls.
fn methods(contract: &[u8], out: &Path) -> Result<()> {
    let pool = DescriptorPool::decode(contract)?;
    let mut code = String::new();
    for service in pool.services().filter(|service| service.package_name() == OPERATORS) {
        for method in service.methods().filter(|method| !method.is_client_streaming()) {
            let (form, answer) = if method.is_server_streaming() {
                ("ServerStreaming", "Item")
            } else {
                ("Unary", "Answer")
            };
            writeln!(
                code,
                "impl crate::method::{form} for {} {{ type {answer} = {}; const PATH: &'static str = \"/{}/{}\"; \
                 const ROLE: Role = Role::{}; }}",
                method.input().name(),
                method.output().name(),
                service.full_name(),
                method.name(),
                least_role(&pool, &method)?
            )?;
        }
    }
    fs::write(out.join(format!("{OPERATORS}.methods.rs")), code)?;
    Ok(())
}

/// The least role that may call a method, as its Rust variant. A method that names none is for nobody.
fn least_role(pool: &DescriptorPool, method: &MethodDescriptor) -> Result<String> {
    let option = pool.get_extension_by_name(ACCESS).ok_or("the option is not declared")?;
    let access = method.options();
    let access = access.get_extension(&option);
    let access = access.as_message().ok_or("the option is not a message")?;
    let role = access.get_field_by_name("role").ok_or("the option has no role")?;
    let Value::EnumNumber(number) = *role else {
        return Err("the role is not an enumeration".into());
    };
    let roles = pool
        .get_enum_by_name("restic_manager.v1.Role")
        .ok_or("there are no roles")?;
    let value = roles.get_value(number).ok_or("the role is not known")?;
    let prefix = format!("{}_", roles.name().to_shouty_snake_case());
    let name = value.name();
    Ok(name.strip_prefix(&prefix).unwrap_or(name).to_upper_camel_case())
}

/// Writes `<package>.guards.rs`: for each service trait an implementation on `Guarded<S, D>` that asks the door first.
fn guards(contract: &[u8], out: &Path) -> Result<()> {
    let pool = DescriptorPool::decode(contract)?;
    let mut files: BTreeMap<&str, String> = PACKAGES.iter().map(|package| (*package, String::new())).collect();
    for service in pool.services() {
        if let Some(file) = files.get_mut(service.package_name()) {
            guard(&service, file)?;
        }
    }
    for (package, code) in files {
        fs::write(out.join(format!("{package}.guards.rs")), code)?;
    }
    Ok(())
}

fn guard(service: &ServiceDescriptor, code: &mut String) -> Result<()> {
    let (name, module) = (service.name(), service.name().to_snake_case());
    writeln!(code, "#[::tonic::async_trait]")?;
    writeln!(
        code,
        "impl<S, D> {module}_server::{name} for crate::door::Guarded<S, D>"
    )?;
    writeln!(
        code,
        "where S: {module}_server::{name} + Clone, D: crate::door::Door {{"
    )?;
    for method in service.methods() {
        guarded_method(service, &method, code)?;
    }
    writeln!(code, "}}")?;
    Ok(())
}

fn guarded_method(service: &ServiceDescriptor, method: &MethodDescriptor, code: &mut String) -> Result<()> {
    let name = method.name();
    let input = if method.is_client_streaming() {
        format!("::tonic::Streaming<{}>", method.input().name())
    } else {
        method.input().name().to_owned()
    };
    let output = if method.is_server_streaming() {
        writeln!(code, "type {name}Stream = S::{name}Stream;")?;
        format!("Self::{name}Stream")
    } else {
        method.output().name().to_owned()
    };
    let (function, path) = (name.to_snake_case(), format!("/{}/{name}", service.full_name()));
    let answer = if method.input().get_field_by_name(REQUEST_ID).is_some() {
        format!(
            "let key = ::core::mem::take(&mut request.get_mut().{REQUEST_ID}); let service = self.service.clone(); \
             self.door.once({path:?}, key, request, \
             move |request| async move {{ service.{function}(request).await }}).await"
        )
    } else {
        format!("self.service.{function}(request).await")
    };
    writeln!(
        code,
        "async fn {function}(&self, mut request: ::tonic::Request<{input}>) \
         -> ::core::result::Result<::tonic::Response<{output}>, ::tonic::Status> {{ \
         self.door.admit({path:?}, &mut request).await?; {answer} }}"
    )?;
    Ok(())
}

/// Writes serde implementations of the proto3 JSON mapping, with `"online"` for `HOST_STATUS_ONLINE`.
fn json(contract: &[u8]) -> Result<()> {
    let mut short = FileDescriptorSet::decode(contract)?;
    for file in &mut short.file {
        if PACKAGES.contains(&file.package()) {
            file.enum_type.iter_mut().for_each(shorten);
        }
    }
    pbjson_build::Builder::new()
        .register_descriptors(&short.encode_to_vec())?
        .preserve_proto_field_names()
        .emit_fields()
        .btree_map(["."])
        .build(&PACKAGES.map(|package| format!(".{package}")))?;
    Ok(())
}

fn shorten(enumeration: &mut EnumDescriptorProto) {
    let prefix = format!("{}_", enumeration.name().to_shouty_snake_case());
    for value in &mut enumeration.value {
        value.name = Some(
            value
                .name()
                .strip_prefix(&prefix)
                .unwrap_or(value.name())
                .to_ascii_lowercase(),
        );
    }
}

/// Writes the REST routes of all services that have `google.api.http` annotations, and one OpenAPI document per service.
fn routes(contract: &[u8], out: &Path) -> Result<()> {
    let mut generator = Generator::builder()
        .emit_openapi_spec(Some(OpenApiInfo::new("restic-manager", env!("CARGO_PKG_VERSION"))))
        .build();
    for package in PACKAGES {
        let options = DescriptorOptions::new().package(format!(".{package}"));
        generator.add_all(ServiceDefinition::from_fds(contract, &options)?);
    }
    generator.write(out)?;
    Ok(())
}
