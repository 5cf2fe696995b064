//! Settings of a V4L2 device: set, and read back.

use crate::controls::{Controls, Setting};
use rscam::{
    CID_AUTO_WHITE_BALANCE, CID_AUTOGAIN, CID_EXPOSURE_ABSOLUTE, CID_EXPOSURE_AUTO, CID_GAIN,
    CID_WHITE_BALANCE_TEMPERATURE, Camera, CtrlData,
};

/// Values of the exposure's menu (`V4L2_CID_EXPOSURE_AUTO`): all by the camera, all by hand, the shutter by the camera.
const EXPOSURE_AUTO: i32 = 0;
const EXPOSURE_MANUAL: i32 = 1;
const EXPOSURE_SHUTTER_AUTO: i32 = 3;

/// One setting: its value's control, and the one that says who chooses.
struct Kind {
    name: &'static str,
    unit: &'static str,
    value: u32,
    /// Units of the control in one of ours.
    scale: f64,
    who: u32,
    manual: i32,
    auto: &'static [i32],
}

const EXPOSURE: Kind = Kind {
    name: "exposure",
    unit: " ms",
    value: CID_EXPOSURE_ABSOLUTE,
    // In steps of 100 us.
    scale: 10.0,
    who: CID_EXPOSURE_AUTO,
    manual: EXPOSURE_MANUAL,
    // Webcams know one of them.
    auto: &[EXPOSURE_SHUTTER_AUTO, EXPOSURE_AUTO],
};
const GAIN: Kind = Kind {
    name: "gain",
    unit: "",
    value: CID_GAIN,
    scale: 1.0,
    who: CID_AUTOGAIN,
    manual: 0,
    auto: &[1],
};
const WHITE_BALANCE: Kind = Kind {
    name: "white balance",
    unit: " K",
    value: CID_WHITE_BALANCE_TEMPERATURE,
    scale: 1.0,
    who: CID_AUTO_WHITE_BALANCE,
    manual: 0,
    auto: &[1],
};

/// Sets what is wanted, and says how each setting stands afterwards, as the device answers.
///
/// # Errors
/// When the device has no such setting, does not allow the value, or keeps another one.
pub(super) fn apply(camera: &Camera, controls: &Controls) -> Result<Vec<String>, String> {
    let wanted = [
        (&EXPOSURE, controls.exposure),
        (&GAIN, controls.gain),
        (&WHITE_BALANCE, controls.white_balance),
    ];
    for (kind, setting) in wanted {
        match setting {
            Some(Setting::Auto) => automatic(camera, kind)?,
            Some(Setting::Manual(value)) => manual(camera, kind, value)?,
            None => {}
        }
    }
    Ok(wanted
        .iter()
        .filter_map(|(kind, _)| stands(camera, kind))
        .collect())
}

fn automatic(camera: &Camera, kind: &Kind) -> Result<(), String> {
    let done = kind.auto.iter().any(|value| {
        camera.set_control(kind.who, value).is_ok() && number(camera, kind.who) == Some(*value)
    });
    done.then_some(())
        .ok_or_else(|| format!("it does not choose its {} itself; give a number", kind.name))
}

fn manual(camera: &Camera, kind: &Kind, value: f64) -> Result<(), String> {
    // Not there where the camera never chooses.
    if camera.get_control(kind.who).is_ok() {
        camera
            .set_control(kind.who, &kind.manual)
            .map_err(|e| format!("its {} cannot be set by hand: {e}", kind.name))?;
    }
    let control = camera.get_control(kind.value);
    let Ok(CtrlData::Integer {
        minimum,
        maximum,
        step,
        ..
    }) = control.map(|c| c.data)
    else {
        return Err(format!(
            "it has no {} to set; leave that option away",
            kind.name
        ));
    };
    let raw = (value * kind.scale).round();
    let ours = |raw: i32| f64::from(raw) / kind.scale;
    if raw < f64::from(minimum) || raw > f64::from(maximum) {
        return Err(format!(
            "{} is {value}{unit}, allowed: {} to {}{unit}",
            kind.name,
            ours(minimum),
            ours(maximum),
            unit = kind.unit
        ));
    }
    camera
        .set_control(kind.value, &(raw as i32))
        .map_err(|e| format!("{} {value}{} is not accepted: {e}", kind.name, kind.unit))?;
    match number(camera, kind.value) {
        Some(kept) if (f64::from(kept) - raw).abs() <= f64::from(step.max(1)) => Ok(()),
        kept => Err(format!(
            "{} was set to {value}{unit}, and it keeps {}{unit}",
            kind.name,
            kept.map_or("nothing that can be read".into(), |kept| ours(kept)
                .to_string()),
            unit = kind.unit
        )),
    }
}

fn stands(camera: &Camera, kind: &Kind) -> Option<String> {
    let value = f64::from(number(camera, kind.value)?) / kind.scale;
    let by = match number(camera, kind.who) {
        Some(who) if who != kind.manual => " (chosen by the camera)",
        _ => "",
    };
    Some(format!("{} {value}{}{by}", kind.name, kind.unit))
}

/// A control's value; `None` where there is none.
fn number(camera: &Camera, id: u32) -> Option<i32> {
    match camera.get_control(id).ok()?.data {
        CtrlData::Integer { value, .. } => Some(value),
        CtrlData::Boolean { value, .. } => Some(value.into()),
        CtrlData::Menu { value, .. } => i32::try_from(value).ok(),
        _ => None,
    }
}
