//! From a request to a plan: everything is thought of before the first byte is written.

use std::path::PathBuf;

use oci_spec::runtime::Spec;

use super::base::{Base, Files, Intent, Wanted};
use super::place::{Placement, Site};
use super::rootfs::{MERGED, directories, rootfs};
use super::{Engine, Error, Events, environment, random};
use crate::plan::Plan;
use crate::plan::account::{self, Account, UserSpec};
use crate::plan::from_spec::Supplement;
use crate::plan::idmap::IdMap;
use crate::plan::name::{ContainerId, ContainerName, Hostname};
use crate::plan::namespace::Network;
use crate::plan::network_file;
use crate::plan::process::{Input, Streams};
use crate::plan::request::{Driver, RunRequest};
use crate::plan::spec::{Composition, GeneratedFiles, additions, compose};
use crate::plan::userns::{self, UserNamespace, UsernsMode};
use crate::store::container::ContainerRecord;
use crate::store::layer::LayerOwners;

/// The generated files of `/etc`.
const GENERATED: [&str; 3] = ["hosts", "hostname", "resolv.conf"];

/// A container thought through: nothing of it exists yet.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    pub(super) record: ContainerRecord,
    /// Nobody asked for its name, so that it may as well have another.
    pub(super) is_name_drawn: bool,
    /// The specification as JSON, where it can be written so.
    pub(super) config: Option<Vec<u8>>,
    /// The directories of its own, each after its parent.
    pub(super) directories: Vec<String>,
    pub(super) files: Vec<(&'static str, Vec<u8>)>,
    pub(super) placement: Placement,
    pub(super) namespace: Option<UserNamespace>,
    pub(super) base: Base,
}

/// What is decided about a container before its specification.
pub(super) struct Draft<'a> {
    pub(super) request: &'a RunRequest,
    pub(super) id: ContainerId,
    pub(super) name: ContainerName,
    hostname: Hostname,
    account: Account,
    map: Option<IdMap>,
    pub(super) path: PathBuf,
    pub(super) placement: Placement,
}

/// Where a container's files have their owners.
struct Ownership<'a> {
    map: Option<IdMap>,
    namespace: Option<&'a UserNamespace>,
    owners: &'a LayerOwners,
}

impl Engine {
    /// Thinks a container through.
    pub(super) fn prepare(
        &self,
        request: &RunRequest,
        (driver, intent): (Driver, Intent),
        events: Events<'_>,
    ) -> Result<Prepared, Error> {
        let (namespace, owners) = self.namespace(request.userns)?;
        let map = userns::resolve(request.userns, &self.host)?;
        let wanted = Wanted {
            source: &request.image,
            text: &request.image_text,
            platform: request.platform.as_ref(),
            namespace: namespace.as_ref(),
            owners: &owners,
            intent,
        };
        let base = self.base(wanted, &mut *events)?;
        let ownership = Ownership { map, namespace: namespace.as_ref(), owners: &owners };
        let draft = self.draft((request, intent), &base, ownership, events)?;
        let files = self.generated_files(&draft);
        let spec = self.compose(&draft, &base, &files)?;
        let plan = Plan::from_spec(&spec, supplement(&draft, &base, driver)?, &self.host)?;
        let record = Self::record(&draft, &plan, &base);
        let of_root = directories(&plan).iter().map(|&name| name.to_owned());
        Ok(Prepared {
            record,
            is_name_drawn: request.name.is_none(),
            config: serde_json::to_vec(&spec).ok(),
            directories: of_root.chain(draft.placement.directories.iter().cloned()).collect(),
            files,
            placement: draft.placement,
            plan,
            namespace,
            base,
        })
    }

    fn compose(
        &self,
        draft: &Draft<'_>,
        base: &Base,
        files: &[(&'static str, Vec<u8>)],
    ) -> Result<Spec, Error> {
        let config = base.config();
        let hostname = draft.hostname.as_str();
        let image_environment = config.env().as_deref().unwrap_or_default();
        let generated = GeneratedFiles {
            directory: draft.path.clone(),
            names: files.iter().map(|(name, _)| *name).collect(),
        };
        let composition = Composition {
            request: draft.request,
            image: &config,
            account: &draft.account,
            environment: environment::compose(draft.request, image_environment, &draft.account, hostname),
            mounts: &draft.placement.mounts,
            files: &generated,
            hostname: hostname.to_owned(),
            map: draft.map.as_ref(),
            root: draft.path.join(MERGED),
        };
        Ok(compose(&composition, &self.host)?)
    }

    fn draft<'a>(
        &self,
        (request, intent): (&'a RunRequest, Intent),
        base: &Base,
        ownership: Ownership<'_>,
        events: Events<'_>,
    ) -> Result<Draft<'a>, Error> {
        let id = ContainerId::from_bytes(random()?);
        let name = match &request.name {
            Some(name) => name.clone(),
            None => ContainerName::from_random(u64::from_ne_bytes(random()?)),
        };
        let hostname = match &request.hostname {
            Some(hostname) => hostname.clone(),
            None => id.short().parse()?,
        };
        let account = self.account(request, base, ownership.namespace)?;
        let path = self.store.container_path(&id, request.lifetime);
        let site = Site {
            engine: self,
            account: &account,
            namespace: ownership.namespace,
            owners: ownership.owners,
            intent,
            lifetime: request.lifetime,
            directory: &path,
        };
        let placement = site.place(request, base, events)?;
        Ok(Draft { request, account, path, id, name, hostname, map: ownership.map, placement })
    }

    /// Whom to run as: `--user`, with `keep-id` the caller, else the image's.
    fn account(
        &self,
        request: &RunRequest,
        base: &Base,
        namespace: Option<&UserNamespace>,
    ) -> Result<Account, Error> {
        let config = base.config();
        let of_image = || config.user().as_deref().unwrap_or_default().parse::<UserSpec>();
        let caller = UserSpec {
            user: account::Principal::Id(self.host.uid),
            group: Some(account::Principal::Id(self.host.gid)),
        };
        let spec = match (&request.user, request.userns) {
            (Some(spec), _) => spec.clone(),
            (None, UsernsMode::KeepId) => caller,
            (None, _) => of_image()?,
        };
        let (passwd, group) = base.accounts(namespace)?;
        account::resolve(&spec, &passwd, &group, &request.extra_groups).map_err(|cause| match base {
            Base::Image { files: Files::Absent, .. } => Error::UsersUnread(cause),
            _ => cause.into(),
        })
    }

    fn generated_files(&self, draft: &Draft<'_>) -> Vec<(&'static str, Vec<u8>)> {
        let request = draft.request;
        let host_network = request.network == Network::Host;
        let inherited =
            if host_network { String::from_utf8_lossy(&self.host.resolv_conf) } else { "".into() };
        let own = std::net::IpAddr::from([127, 0, 1, 1]);
        GENERATED
            .into_iter()
            .map(|name| {
                let text = match name {
                    "hosts" => network_file::hosts(Some(own), &draft.hostname, &request.extra_hosts),
                    "hostname" => network_file::hostname(&draft.hostname),
                    _ => network_file::resolv_conf(&inherited, &request.dns),
                };
                (name, text.into_bytes())
            })
            .collect()
    }
}

/// What the specification has no word for.
fn supplement(draft: &Draft<'_>, base: &Base, driver: Driver) -> Result<Supplement, Error> {
    let request = draft.request;
    Ok(Supplement {
        id: draft.id.clone(),
        rootfs: rootfs(draft, base, driver)?,
        fills: draft.placement.fills.clone(),
        additions: additions(&draft.placement.mounts),
        first: request.first,
        input: match request.streams {
            Streams::Launcher { input } => input,
            Streams::Terminal => Input::Attached,
        },
    })
}
