use apprentice_sim::{
    camera::Pinhole,
    mug,
    physics::ContactWorld,
    raster::Canvas,
    scene::{Placement, SceneModel},
};
use nalgebra::*;
use std::f64::consts::*;
use std::time::Instant;
fn links(q: &[f64; 7]) -> (Vec<Isometry3<f64>>, Isometry3<f64>) {
    let dh = [
        (0.0, 0.333, 0.0),
        (0.0, 0.0, -FRAC_PI_2),
        (0.0, 0.316, FRAC_PI_2),
        (0.0825, 0.0, FRAC_PI_2),
        (-0.0825, 0.384, -FRAC_PI_2),
        (0.0, 0.0, FRAC_PI_2),
        (0.088, 0.0, FRAC_PI_2),
    ];
    let mut t = Isometry3::identity();
    let mut out = vec![];
    for (i, (a, d, al)) in dh.iter().enumerate() {
        t =
            t * Isometry3::from_parts(
                Translation3::new(*a, 0.0, 0.0),
                UnitQuaternion::from_axis_angle(&Vector3::x_axis(), *al),
            ) * Isometry3::from_parts(
                Translation3::new(0.0, 0.0, *d),
                UnitQuaternion::from_axis_angle(&Vector3::z_axis(), q[i]),
            );
        out.push(t);
    }
    let tool = t * Isometry3::from_parts(
        Translation3::new(0.0, 0.0, 0.107 + 0.1034),
        UnitQuaternion::from_axis_angle(&Vector3::z_axis(), -FRAC_PI_4),
    );
    (out, tool)
}
fn ik(goal: &Isometry3<f64>) -> [f64; 7] {
    let mut q = [
        0.0,
        -FRAC_PI_4,
        0.0,
        -3.0 * FRAC_PI_4,
        0.0,
        FRAC_PI_2,
        FRAC_PI_4,
    ];
    for _ in 0..400 {
        let err = |q: &[f64; 7]| {
            let t = links(q).1;
            let p = goal.translation.vector - t.translation.vector;
            let r = (goal.rotation * t.rotation.inverse()).scaled_axis();
            Vector6::new(p.x, p.y, p.z, r.x, r.y, r.z)
        };
        let e = err(&q);
        let mut j = SMatrix::<f64, 6, 7>::zeros();
        for i in 0..7 {
            let mut q2 = q;
            q2[i] += 1e-6;
            j.set_column(i, &(-(err(&q2) - e) / 1e-6));
        }
        let dq = j.transpose()
            * (j * j.transpose() + Matrix6::identity() * 1e-4)
                .try_inverse()
                .unwrap()
            * (e * 0.3);
        for i in 0..7 {
            q[i] += dq[i];
        }
    }
    q
}
fn look(eye: [f64; 3], at: [f64; 3]) -> Isometry3<f64> {
    let z = (Vector3::from(at) - Vector3::from(eye)).normalize();
    let x = z.cross(&Vector3::z()).normalize();
    let y = z.cross(&x);
    Isometry3::from_parts(
        Translation3::from(Vector3::from(eye)),
        UnitQuaternion::from_matrix(&Matrix3::from_columns(&[x, y, z])),
    )
}
fn main() {
    let n: u32 = std::env::args()
        .nth(1)
        .map(|s| s.parse().unwrap())
        .unwrap_or(96);
    let f: Vec<f64> = std::env::args()
        .skip(2)
        .map(|s| s.parse().unwrap())
        .collect();
    let front = look([f[0], f[1], f[2]], [f[3], f[4], f[5]]);
    let wr = Isometry3::from_parts(
        Translation3::new(f[7], 0.0, f[8]),
        UnitQuaternion::from_axis_angle(&Vector3::z_axis(), FRAC_PI_2)
            * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), f[9].to_radians()),
    );
    let home = [
        0.0,
        -FRAC_PI_4,
        0.0,
        -3.0 * FRAC_PI_4,
        0.0,
        FRAC_PI_2,
        FRAC_PI_4,
    ];
    let (l, t) = links(&home);
    println!("home tool {t}");
    let model = SceneModel::new(&l, &t);
    let mut canvas = Canvas::new(n, n, 2);
    let down = |yaw: f64| {
        UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw)
            * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), PI)
    };
    let mut sheet: Vec<Vec<u8>> = vec![];
    let mut times = vec![];
    for (mx, my, yaw) in [
        (0.49, 0.0, 0.0f64),
        (0.42, 0.12, 1.0),
        (0.56, -0.12, -1.0),
        (0.56, 0.12, 0.6),
    ] {
        let mug = Isometry3::from_parts(
            Translation3::new(mx, my, 0.0),
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw),
        );
        let h = mug * Point3::new(mug::handle_radius(), 0.0, 0.0);
        let poses = [
            (t, 0.08),
            (
                Isometry3::from_parts(Translation3::new(h.x, h.y, 0.16), down(yaw)),
                0.08,
            ),
            (
                Isometry3::from_parts(Translation3::new(h.x, h.y, 0.058), down(yaw)),
                0.012,
            ),
            (
                Isometry3::from_parts(
                    Translation3::new(mx - mug::rim_radius(), my, 0.166),
                    down(FRAC_PI_2),
                ),
                0.08,
            ),
            (
                Isometry3::from_parts(
                    Translation3::new(mx - mug::rim_radius(), my, 0.066),
                    down(FRAC_PI_2),
                ),
                0.005,
            ),
        ];
        for (p, w) in poses {
            let q = ik(&p);
            let (l, t) = links(&q);
            if (t.translation.vector - p.translation.vector).norm() > 1e-3 {
                println!(
                    "ik off {}",
                    (t.translation.vector - p.translation.vector).norm()
                );
            }
            let pl = Placement {
                links: &l,
                tool: t,
                width: w,
                mug,
            };
            for cam in [
                Pinhole::new(&front, f[6].to_radians(), n),
                Pinhole::new(&(t * wr), f[10].to_radians(), n),
            ] {
                let mut img = model.render(&pl, &cam, &mut canvas).unwrap();
                let mut best = f64::MAX;
                for _ in 0..20 {
                    let s = Instant::now();
                    img = model.render(&pl, &cam, &mut canvas).unwrap();
                    best = best.min(s.elapsed().as_secs_f64() * 1e3);
                }
                times.push(best);
                sheet.push(img.rgb().to_vec());
            }
        }
    }
    times.sort_by(|a, b| a.total_cmp(b));
    println!(
        "render ms min {:.3} median {:.3} max {:.3}",
        times[0],
        times[times.len() / 2],
        times[times.len() - 1]
    );
    let cols = 10usize;
    let rows = sheet.len() / cols;
    let nn = n as usize;
    let mut out = vec![0u8; cols * nn * rows * nn * 3];
    for (i, s) in sheet.iter().enumerate() {
        let (r, c) = (i / cols, i % cols);
        for y in 0..nn {
            let d = ((r * nn + y) * cols * nn + c * nn) * 3;
            out[d..d + nn * 3].copy_from_slice(&s[y * nn * 3..(y + 1) * nn * 3]);
        }
    }
    let file = std::fs::File::create("/tmp/look.png").unwrap();
    let mut e = png::Encoder::new(file, (cols * nn) as u32, (rows * nn) as u32);
    e.set_color(png::ColorType::Rgb);
    e.set_depth(png::BitDepth::Eight);
    e.write_header().unwrap().write_image_data(&out).unwrap();
    // physics timing: active steps near the mug
    let mug: Isometry3<f64> = Translation3::new(0.5, 0.0, 0.0).into();
    let tool = |z: f64| {
        Isometry3::from_parts(
            Translation3::new(0.5 + mug::handle_radius(), 0.012, z),
            down(0.1),
        )
    };
    let mut w = ContactWorld::new(&mug, &tool(0.16), 0.08, 0.0025);
    let s = Instant::now();
    for i in 0..400 {
        w.step(&tool(0.16 - 0.102 * i as f64 / 400.0), 0.08);
    }
    println!(
        "descend us/step {:.2}",
        s.elapsed().as_secs_f64() * 1e6 / 400.0
    );
    let s = Instant::now();
    let mut width = 0.08;
    let mut k = 0;
    while width > 0.0 && !w.try_hold(&tool(0.058)) {
        width -= 0.00025;
        w.step(&tool(0.058), width);
        k += 1;
    }
    println!(
        "close us/step {:.2} {k} {:?} {width}",
        s.elapsed().as_secs_f64() * 1e6 / k as f64,
        w.held()
    );
}
