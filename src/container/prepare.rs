//! From a request to a plan: everything is thought of before the first byte is written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use oci_spec::runtime::Spec;
use rustix::io::Errno;

use super::base::{Base, Files, Intent, Wanted};
use super::rootfs::{MERGED, directories, rootfs};
use super::{Engine, Error, Events, environment, now, random};
use crate::plan::Plan;
use crate::plan::account::{self, Account, UserSpec};
use crate::plan::from_spec::Supplement;
use crate::plan::idmap::IdMap;
use crate::plan::mount::{Content, Missing, MountKind, resolve};
use crate::plan::name::{ContainerId, ContainerName, Hostname, Label, VolumeName};
use crate::plan::namespace::Network;
use crate::plan::network_file;
use crate::plan::path::ContainerPath;
use crate::plan::process::{Input, Streams};
use crate::plan::request::{Driver, RunRequest};
use crate::plan::rootfs::Fill;
use crate::plan::spec::{Composition, GeneratedFiles, PlacedMount, compose};
use crate::plan::userns::{self, UserNamespace, UsernsMode};
use crate::store::container::ContainerRecord;
use crate::store::volume::VolumeRecord;
use crate::sys::Call;

/// The generated files of `/etc`.
const GENERATED: [&str; 3] = ["hosts", "hostname", "resolv.conf"];

/// A container thought through: nothing of it exists yet.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    pub(super) record: ContainerRecord,
    /// The specification as JSON, where it can be written so.
    pub(super) config: Option<Vec<u8>>,
    pub(super) directories: Vec<&'static str>,
    pub(super) files: Vec<(&'static str, Vec<u8>)>,
    pub(super) volumes: Vec<VolumeRecord>,
    /// Directories of the host that a bind makes.
    pub(super) missing_sources: Vec<PathBuf>,
    pub(super) namespace: Option<UserNamespace>,
    pub(super) base: Base,
}

/// What is decided about a container before its specification.
pub(super) struct Draft<'a> {
    pub(super) request: &'a RunRequest,
    pub(super) id: ContainerId,
    pub(super) name: ContainerName,
    hostname: Hostname,
    pub(super) user: UserSpec,
    pub(super) account: Account,
    pub(super) map: Option<IdMap>,
    pub(super) path: PathBuf,
    pub(super) mounts: Vec<PlacedMount>,
    pub(super) volumes: Vec<VolumeRecord>,
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
        let base = self.base(wanted, events)?;
        let draft = self.draft(request, &base, (map, namespace.as_ref()))?;
        let files = self.generated_files(&draft);
        let spec = self.compose(&draft, &base, &files)?;
        let plan = Plan::from_spec(&spec, supplement(&draft, &base, driver)?, &self.host)?;
        let record = self.record(&draft, &plan, &base);
        Ok(Prepared {
            record,
            config: serde_json::to_vec(&spec).ok(),
            directories: directories(&plan),
            files,
            missing_sources: missing_sources(&draft)?,
            volumes: draft.volumes,
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
            mounts: &draft.mounts,
            files: &generated,
            hostname: hostname.to_owned(),
            map: draft.map.as_ref(),
            root: draft.path.join(MERGED),
        };
        Ok(compose(&composition, &self.host)?)
    }

    fn draft<'a>(
        &self,
        request: &'a RunRequest,
        base: &Base,
        (map, namespace): (Option<IdMap>, Option<&UserNamespace>),
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
        let (mounts, volumes) = self.place(request, base)?;
        let user = self.user(request, base)?;
        Ok(Draft {
            request,
            account: account(&user, request, base, namespace)?,
            user,
            path: self.store.container_path(&id, request.lifetime),
            id,
            name,
            hostname,
            map,
            mounts,
            volumes,
        })
    }

    /// Whom to run as: `--user`, with `keep-id` the caller, else the image's.
    fn user(&self, request: &RunRequest, base: &Base) -> Result<UserSpec, Error> {
        let config = base.config();
        let of_image = || config.user().as_deref().unwrap_or_default().parse::<UserSpec>();
        let caller = UserSpec {
            user: account::Principal::Id(self.host.uid),
            group: Some(account::Principal::Id(self.host.gid)),
        };
        Ok(match (&request.user, request.userns) {
            (Some(spec), _) => spec.clone(),
            (None, UsernsMode::KeepId) => caller,
            (None, _) => of_image()?,
        })
    }

    /// Gives every volume its place, and names those that have none.
    fn place(
        &self,
        request: &RunRequest,
        base: &Base,
    ) -> Result<(Vec<PlacedMount>, Vec<VolumeRecord>), Error> {
        let config = base.config();
        let image_volumes = config.volumes().as_deref().unwrap_or_default();
        let image_volumes: Vec<_> =
            image_volumes.iter().filter_map(|path| ContainerPath::parse(path).ok()).collect();
        let resolved = resolve(request.mounts.clone(), &image_volumes, &self.host.working_directory)?;
        let mut volumes = Vec::new();
        let mut placed = Vec::with_capacity(resolved.len());
        for request in resolved {
            let data = match &request.kind {
                MountKind::Volume(volume) => {
                    let record = volume_record(volume.name.as_ref(), &volume.labels)?;
                    let data = self.store.volume_data(&record.name);
                    if volume.missing == Missing::Refuse && !self.store.volume_exists(&record.name)? {
                        return Err(Error::NoVolume(record.name.to_string()));
                    }
                    volumes.push(record);
                    Some(data)
                }
                MountKind::Bind(_)
                | MountKind::Tmpfs(_)
                | MountKind::Image(_)
                | MountKind::Devpts(_)
                | MountKind::Ramfs(_)
                | MountKind::Glob(_) => None,
            };
            placed.push(PlacedMount { request, data });
        }
        Ok((placed, volumes))
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

/// What the image's own files say of a user.
fn account(
    user: &UserSpec,
    request: &RunRequest,
    base: &Base,
    namespace: Option<&UserNamespace>,
) -> Result<Account, Error> {
    let (passwd, group) = base.accounts(namespace)?;
    account::resolve(user, &passwd, &group, &request.extra_groups).map_err(|cause| match base {
        Base::Image { files: Files::Absent, .. } => Error::UsersUnread(cause),
        Base::Image { files: Files::Unpacked, .. } | Base::Directory(_) | Base::Host => cause.into(),
    })
}

/// Checks every bind's source, and says which directories are to be made.
fn missing_sources(draft: &Draft<'_>) -> Result<Vec<PathBuf>, Error> {
    let mut missing = Vec::new();
    for mount in &draft.mounts {
        let MountKind::Bind(bind) = &mount.request.kind else { continue };
        let failed = |cause| Error::Source {
            path: bind.source.clone(),
            destination: mount.request.destination.to_string(),
            cause,
        };
        match rustix::fs::stat(&bind.source).call(|| format!("stat({:?})", bind.source)) {
            Ok(_) => {}
            Err(error) if error.errno() == Errno::NOENT && bind.missing == Missing::Create => {
                // A dangling symlink is not a missing directory: making it would follow it.
                if rustix::fs::lstat(&bind.source).is_ok() {
                    return Err(failed(error));
                }
                missing.push(bind.source.clone());
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(missing)
}

/// What the specification has no word for.
fn supplement(draft: &Draft<'_>, base: &Base, driver: Driver) -> Result<Supplement, Error> {
    let request = draft.request;
    Ok(Supplement {
        id: draft.id.clone(),
        rootfs: rootfs(draft, base, driver)?,
        fills: fills(draft),
        first: request.first,
        input: match request.streams {
            Streams::Launcher { input } => input,
            Streams::Terminal => Input::Attached,
        },
    })
}

fn volume_record(name: Option<&VolumeName>, labels: &[Label]) -> Result<VolumeRecord, Error> {
    let anonymous = name.is_none();
    let name = match name {
        Some(name) => name.clone(),
        None => VolumeName::anonymous(random()?),
    };
    Ok(VolumeRecord { name, anonymous, labels: labels.to_vec(), created: now(), options: BTreeMap::new() })
}

fn fills(draft: &Draft<'_>) -> Vec<Fill> {
    let fill = |mount: &PlacedMount| match &mount.request.kind {
        MountKind::Volume(volume) if volume.content == Content::Image => {
            Some(Fill { data: mount.data.clone()?, destination: mount.request.destination.clone() })
        }
        _ => None,
    };
    draft.mounts.iter().filter_map(fill).collect()
}
